import { ERRORS } from '../errors.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Alerts leave over https; only a loopback address may be plain http, as tests and relays on the same machine have it.
 * Throws ALERT_SECRET_INVALID, which names the setting and never the address: an address may be a secret.
 */
export function safeAddress(address: string, name: string): URL {
  let url: URL;
  try {
    url = new URL(address.trim());
  } catch {
    throw ERRORS.ALERT_SECRET_INVALID(`${name} must be an address that begins with https://`);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname))) {
    throw ERRORS.ALERT_SECRET_INVALID(`${name} must begin with https://, not with ${url.protocol.slice(0, 20)}//`);
  }
  if (url.username !== '' || url.password !== '') {
    throw ERRORS.ALERT_SECRET_INVALID(`${name} must hold no user and no password`);
  }
  return url;
}
