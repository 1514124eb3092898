/** Mail through Resend, POST /emails: https://resend.com/docs/api-reference/emails/send-email */
import { baseAddress } from '../base-address.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { jsonRequest } from '../json-request.ts';
import { mailBody } from '../mail-body.ts';

export const resend: ChannelKind = {
  requests({ delivery: { id, settings }, view, secret }) {
    const { from, to } = settings;
    const { subject, text, html } = mailBody(view);
    const url = baseAddress(settings, 'https://api.resend.com', '/emails');
    const headers = { authorization: `Bearer ${secret}`, 'idempotency-key': id };
    return [jsonRequest(url, { from, to, subject, text, html }, headers)];
  },
  /** The same key is under way at this moment: its answer is not known yet. */
  judge: (status, body) => (status === 409 && body.includes('concurrent_idempotent_requests') ? 'retry' : null),
};
