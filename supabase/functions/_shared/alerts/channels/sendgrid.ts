/** Mail through SendGrid, POST /v3/mail/send: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
import { baseAddress } from '../base-address.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { jsonRequest } from '../json-request.ts';
import { mailBody } from '../mail-body.ts';

const OFF = { enable: false };

export const sendgrid: ChannelKind = {
  requests({ delivery: { id, settings }, view, secret }) {
    const { subject, text, html } = mailBody(view);
    const usual = settings.region === 'eu' ? 'https://api.eu.sendgrid.com' : 'https://api.sendgrid.com';
    const body = {
      personalizations: [{ to: (settings.to as string[]).map((email) => ({ email })) }],
      from: mailbox(String(settings.from)),
      subject,
      // text/plain must come first.
      content: [
        { type: 'text/plain', value: text },
        { type: 'text/html', value: html },
      ],
      custom_args: { holdfast_delivery: id },
      tracking_settings: { click_tracking: { ...OFF, enable_text: false }, open_tracking: OFF },
    };
    return [jsonRequest(baseAddress(settings, usual, '/v3/mail/send'), body, { authorization: `Bearer ${secret}` })];
  },
};

/** `Backups <backups@example.com>` in the parts that SendGrid wants. */
function mailbox(from: string): { email: string; name?: string } {
  const [, name, email] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from) ?? [];
  return email ? { email, ...(name ? { name } : {}) } : { email: from.trim() };
}
