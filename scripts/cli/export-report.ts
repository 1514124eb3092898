import pc from 'picocolors';
import type { ExportResult } from '../../supabase/functions/_shared/backup/export/export-job.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { durationWords } from '../../supabase/functions/_shared/domain/duration-words.ts';
import { EXPORT_MODES, type ExportModeName } from './export-modes.ts';
import type { LocalArchive } from './make-archive.ts';
import { sizeWords } from './size-words.ts';

export interface ReportInput {
  readonly mode: ExportModeName;
  readonly result: ExportResult;
  readonly codec: string;
  /** The one file that --archive made. */
  readonly archive: LocalArchive | null;
  /** Host that was told, or null. */
  readonly notified: string | null;
}

const LIMITS_SHOWN = 20;

/** What a person reads at the end. */
export function exportReport({ mode, result, codec, archive, notified }: ReportInput): string[] {
  const limited = result.status === 'completed_with_limits';
  const { title } = EXPORT_MODES[mode];
  const size = codec === 'none' ? sizeWords(result.storedBytes) : `${sizeWords(result.storedBytes)} compressed`;
  return [
    limited ? `⚠️  ${title} backup completed with limits` : `✅ ${title} backup completed`,
    `📦 Exported ${countWords(result.tables, 'table')} (${size})`,
    encryptionLine(result),
    ...(notified === null ? [] : [`📧 Notification sent to: ${notified}`]),
    verificationLine(result),
    ...(archive ? archiveLines(archive) : [`📍 Backup location: ${backupLocation(result)}`]),
    `⏱️  Total time: ${durationWords(result.durationMs)}`,
    ...limitLines(result),
  ];
}

function archiveLines({ path, bytes, sha256 }: LocalArchive): string[] {
  return [`📍 Backup archive: ${path} (${sizeWords(bytes)})`, `🧾 SHA-256: ${sha256}`];
}

/** Where the folder is, for people: a path, or bucket and key. */
export function backupLocation({ location, folder }: Pick<ExportResult, 'location' | 'folder'>): string {
  const [place, host] = location.split(' on ');
  return `${place!.replace(/\/$/, '')}/${folder}/${host === undefined ? '' : ` on ${host}`}`;
}

function encryptionLine({ recipients }: ExportResult): string {
  if (recipients.length === 0) return '🔓 Not encrypted (--no-encrypt)';
  const names = recipients.map(({ userId, fingerprint }) => userId || fingerprint);
  return `🔐 Encrypted with PGP key${names.length === 1 ? '' : 's'}: ${names.join(', ')}`;
}

function verificationLine({ verification: { objects, hashed, kind } }: ExportResult): string {
  const compared =
    hashed === 0 ? 'existence and size' : hashed === objects ? 'every checksum' : `size of all, checksum of ${hashed}`;
  return `🔎 Verified ${countWords(objects, 'object')} in the store (${kind}: ${compared})`;
}

function limitLines({ limits }: ExportResult): string[] {
  if (limits.length === 0) return [];
  const shown = limits.slice(0, LIMITS_SHOWN).map(({ message }) => `   - ${message}`);
  const more =
    limits.length > LIMITS_SHOWN ? [`   - and ${limits.length - LIMITS_SHOWN} more, all in the manifest`] : [];
  return [pc.yellow('Not in this backup:'), ...shown, ...more];
}
