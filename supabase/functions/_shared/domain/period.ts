/** The folder between cadence and backup: what a person looks for when they want "last Tuesday's". All in UTC. */
import { encodeName } from './encode-name.ts';

const DAY_MS = 24 * 3600 * 1000;
const LABEL_CHARACTERS = 40;

/**
 * daily 2026-01-14, weekly 2026-W02 (ISO 8601), monthly 2026-01, yearly 2026, pre-deployment 2026-01-10-<label>, and
 * any other cadence 2026-01-14-15-30.
 */
export function periodOf(cadence: string, now: Date, label?: string): string {
  const iso = now.toISOString();
  switch (cadence) {
    case 'daily':
      return iso.slice(0, 10);
    case 'weekly':
      return isoWeek(now);
    case 'monthly':
      return iso.slice(0, 7);
    case 'yearly':
      return iso.slice(0, 4);
    case 'pre-deployment': {
      const slug = labelSlug(label ?? '');
      return slug === '' ? iso.slice(0, 10) : `${iso.slice(0, 10)}-${slug}`;
    }
    default:
      return iso.slice(0, 16).replace(/[T:]/g, '-');
  }
}

/** A week belongs to the year that has its Thursday. */
function isoWeek(now: Date): string {
  const weekday = now.getUTCDay() || 7;
  const thursday = new Date(now.getTime() + (4 - weekday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** `Feature/XYZ v2` becomes `feature-xyz-v2`; letters of any script are kept, percent-encoded. */
export function labelSlug(label: string): string {
  const words =
    label
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [];
  const slug = [...words.join('-')].slice(0, LABEL_CHARACTERS).join('').replace(/-$/, '');
  return encodeName(slug);
}
