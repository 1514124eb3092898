/** A webhook of one's own, signed as Standard Webhooks says: HMAC-SHA256 over id.timestamp.body, https://www.standardwebhooks.com */
import { ERRORS } from '../../errors.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { safeAddress } from '../safe-address.ts';

const PREFIX = 'whsec_';
/** The specification's: 192 to 512 bits. */
const KEY_BYTES = { least: 24, most: 64 };

export const webhook: ChannelKind = {
  async requests({ delivery: { id, settings }, message, view, secret, secretOf, now }) {
    const address = typeof settings.url === 'string' ? settings.url : secretOf(String(settings.url_secret_name));
    const url = safeAddress(address, 'the webhook address').href;
    const body = JSON.stringify({
      type: `holdfast.alert.${message.kind}`,
      timestamp: new Date(message.at).toISOString(),
      data: {
        id,
        source: message.source,
        severity: message.severity,
        alert_type: message.type,
        problem: message.problem ?? null,
        key: message.key ?? null,
        title: view.title,
        text: view.text,
        todo: view.todo,
        facts: Object.fromEntries(view.fields.map(({ name, value }) => [name, value])),
        occurrences: message.occurrences ?? null,
        first_seen: message.first_seen ?? null,
        resolved_at: message.resolved_at ?? null,
      },
    });
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const keys = secret.trim().split(/\s+/);
    const signatures = await Promise.all(keys.map((key) => sign(key, `${id}.${timestamp}.${body}`)));
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      // Two keys while one is being replaced: the receiver takes either.
      'webhook-signature': signatures.join(' '),
    };
    return [{ url, headers, body }];
  },
};

async function sign(secret: string, content: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`;
}

function keyOf(secret: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    const text = secret.startsWith(PREFIX) ? atob(secret.slice(PREFIX.length)) : '';
    bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  } catch {
    bytes = undefined;
  }
  if (bytes === undefined || bytes.length < KEY_BYTES.least || bytes.length > KEY_BYTES.most) {
    throw ERRORS.ALERT_SECRET_INVALID('a signing key must be whsec_ and then 24 to 64 bytes in base64', {
      hint: 'Make one: echo "whsec_$(openssl rand -base64 32)".',
    });
  }
  return bytes;
}
