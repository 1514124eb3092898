import { ERRORS } from '../errors.ts';
import type { AlertDelivery, AlertMessage } from './alert-message.ts';
import { alertView } from './alert-view.ts';
import { CHANNEL_KINDS } from './channel-registry.ts';
import { scrubText } from './scrub-text.ts';
import { sendRequest } from './send-request.ts';

export interface DeliverMeans {
  readonly env: (name: string) => string | undefined;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly now: () => Date;
}

/**
 * One delivery, all of its requests. May be called twice for the same delivery: the requests carry its id or the
 * problem's, by which services that can tell the two from one. Throws ALERT_NOT_DELIVERED for what may pass, and
 * ALERT_CHANNEL_UNUSABLE, ALERT_SECRET_MISSING, ALERT_SECRET_INVALID or ALERT_REFUSED for what will not.
 */
export async function deliverAlert(
  delivery: AlertDelivery,
  { env, fetch, timeoutMs, now }: DeliverMeans,
): Promise<void> {
  const kind = delivery.channelKind === null ? undefined : CHANNEL_KINDS[delivery.channelKind];
  if (!kind || !delivery.enabled || delivery.secretName === null) {
    throw ERRORS.ALERT_CHANNEL_UNUSABLE(`the channel '${delivery.channel}' is gone or switched off`);
  }
  const secrets: string[] = [];
  const secretOf = (name: string) => {
    const value = env(name)?.trim() ?? '';
    if (value === '') throw ERRORS.ALERT_SECRET_MISSING(`the function secret ${name} is not set`);
    secrets.push(...partsOf(value));
    return value;
  };
  const secret = secretOf(delivery.secretName);
  const message = maskedNames(delivery.message, secrets);
  const input = { delivery, message, view: alertView(message, secrets), secret, secretOf, now: now() };
  for (const request of await kind.requests(input)) {
    await sendRequest(request, kind, { fetch, timeoutMs, secrets });
  }
}

/** Names that are said as they are, without the view's care: anybody can write a row of any type. */
function maskedNames(message: AlertMessage, secrets: readonly string[]): AlertMessage {
  const mask = (name: string) => scrubText(name, secrets);
  const { type, source, key } = message;
  return { ...message, type: mask(type), source: mask(source), ...(key === undefined ? {} : { key: mask(key) }) };
}

/** An address is a secret as a whole and in its last parts, which are what opens the door. */
function partsOf(secret: string): string[] {
  const parts = /^https?:\/\//.test(secret) ? secret.split(/[/?=&]/).filter((part) => part.length >= 12) : [];
  return [secret, ...secret.split(/\s+/), ...parts.slice(1)];
}
