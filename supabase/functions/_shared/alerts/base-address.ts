import { safeAddress } from './safe-address.ts';

/** The service's own address, or the setting base_url of the channel, and a path below it. Throws ALERT_SECRET_INVALID. */
export function baseAddress(settings: Readonly<Record<string, unknown>>, usual: string, path: string): string {
  const base = typeof settings.base_url === 'string' ? settings.base_url : usual;
  return `${safeAddress(base, 'the setting base_url').href.replace(/\/+$/, '')}${path}`;
}
