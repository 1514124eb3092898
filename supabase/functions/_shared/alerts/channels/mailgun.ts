/** Mail through Mailgun, POST /v3/<domain>/messages: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages */
import { baseAddress } from '../base-address.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { mailBody } from '../mail-body.ts';

export const mailgun: ChannelKind = {
  requests({ delivery: { id, settings }, view, secret }) {
    const { subject, text, html } = mailBody(view);
    const usual = settings.region === 'eu' ? 'https://api.eu.mailgun.net' : 'https://api.mailgun.net';
    const domain = String(settings.domain);
    const form = new FormData();
    form.set('from', String(settings.from));
    for (const address of settings.to as string[]) form.append('to', address);
    form.set('subject', subject);
    form.set('text', text);
    form.set('html', html);
    form.set('o:tracking', 'no');
    // The same for every attempt: mail programs show one mail where two of the same name arrive.
    form.set('h:Message-Id', `<${id}@${domain}>`);
    const url = baseAddress(settings, usual, `/v3/${encodeURIComponent(domain)}/messages`);
    return [{ url, headers: { authorization: `Basic ${btoa(`api:${secret}`)}` }, body: form }];
  },
};
