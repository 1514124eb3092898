/** When a job of pg_cron is due. Pure; all times are GMT, as cron.timezone is on the platform. */
import { Cron } from 'croner';

export type CronSchedule =
  | { readonly kind: 'seconds'; readonly everyMs: number }
  | { readonly kind: 'minutes'; isDue(minute: Date): boolean }
  | { readonly kind: 'start' };

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws what croner throws for text that is no schedule. */
export function parseSchedule(text: string): CronSchedule {
  const trimmed = text.trim();
  const seconds = /^([1-9]|[1-5][0-9])\s+seconds?$/i.exec(trimmed);
  if (seconds) return { kind: 'seconds', everyMs: Number(seconds[1]) * 1000 };
  if (trimmed === '@reboot') return { kind: 'start' };
  // pg_cron writes the last day of the month as `$`, croner as `L`.
  const cron = new Cron((NAMED[trimmed] ?? trimmed).replaceAll('$', 'L'), { timezone: 'UTC', mode: '5-part' });
  return { kind: 'minutes', isDue: (minute) => cron.match(minute) };
}
