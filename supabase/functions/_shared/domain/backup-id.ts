/** The name of a backup: cadence, UTC time and 8 hex digits, as in `manual_20260114_020000_9f3c11ab`. */
import { CADENCES, type Cadence } from './cadence.ts';

const PATTERN = new RegExp(`^(${CADENCES.join('|')})_(\\d{4})(\\d\\d)(\\d\\d)_(\\d\\d)(\\d\\d)(\\d\\d)_([0-9a-f]{8})$`);

/** @param random8hex 8 lower-case hex digits from a random source */
export function newBackupId(cadence: Cadence, now: Date, random8hex: string): string {
  const [date, time] = now.toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `${cadence}_${date}_${time}_${random8hex}`;
}

export interface BackupIdParts {
  readonly cadence: Cadence;
  readonly startedAt: Date;
  readonly random: string;
}

/** null for anything that newBackupId() cannot have made, also for a 31st of February. */
export function parseBackupId(text: string): BackupIdParts | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [, cadence, year, month, day, hour, minute, second, random] = match as unknown as string[];
  const startedAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(startedAt.getTime())) return null;
  const parts = { cadence: cadence as Cadence, startedAt, random: random! };
  return newBackupId(parts.cadence, startedAt, parts.random) === text ? parts : null;
}
