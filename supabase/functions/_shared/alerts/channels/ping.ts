/** A dead man's switch as Healthchecks has it: https://healthchecks.io/docs/http_api/ */
import type { AlertMessage } from '../alert-message.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { safeAddress } from '../safe-address.ts';

export const ping: ChannelKind = {
  requests({ delivery, message, view, secret }) {
    const url = safeAddress(secret, 'the ping address');
    const path = url.pathname.replace(/\/+$/, '');
    url.pathname = failed(message) ? `${path}/fail` : path;
    url.searchParams.set('rid', delivery.id);
    const body = [view.title, view.text, ...view.fields.map(({ name, value }) => `${name}: ${value}`), view.footer];
    return [{ url: url.href, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: body.join('\n') }];
  },
  /** It answers 200 to a check that it does not know, and to one that it will not record. */
  judge(status, body) {
    if (status !== 200) return null;
    if (/not found/i.test(body)) return 'failed';
    return /rate ?limited/i.test(body) ? 'retry' : null;
  },
};

function failed({ kind, ping: told }: AlertMessage): boolean {
  if (kind === 'notice') return told === 'fail';
  return kind !== 'resolved' && kind !== 'digest';
}
