/** Where the objects of a backup are. Every path is shorter than 255 bytes per part and 600 in all. */
import { encodeName } from './encode-name.ts';
import type { CodecName, FormatName } from './formats.ts';

/** `<cadence>/<period>/<backup_id>`, relative to the store's prefix, without a slash at the end. */
export function backupFolder(backup: { cadence: string; period: string; backupId: string }): string {
  return `${backup.cadence}/${backup.period}/${backup.backupId}`;
}

const CODEC_EXTENSIONS: Record<CodecName, string> = { zstd: '.zst', gzip: '.gz', none: '' };

export interface Encoding {
  readonly codec: CodecName;
  readonly encrypted: boolean;
}

function encodingExtension({ codec, encrypted }: Encoding): string {
  return `${CODEC_EXTENSIONS[codec]}${encrypted ? '.pgp' : ''}`;
}

export interface SegmentName extends Encoding {
  readonly schema: string;
  readonly name: string;
  /** Dotted ordinal of the slice; empty when the table is one segment. */
  readonly part?: string;
  readonly format: FormatName;
  /**
   * Which attempt writes it, from 1. From the second on the path carries it, so that a late upload of an earlier
   * attempt cannot meet a later one's.
   */
  readonly attempt?: number;
}

/** `tables/<schema>.<table>[.<part>][.try<n>].copy.zst.pgp`, relative to the backup's folder. */
export function segmentPath(segment: SegmentName): string {
  const { schema, name, part, format, attempt = 1 } = segment;
  const parts = [encodeName(schema), encodeName(name)];
  if (part) parts.push(part);
  if (attempt > 1) parts.push(`try${attempt}`);
  return `tables/${parts.join('.')}.${format}${encodingExtension(segment)}`;
}

export type SchemaSection = 'pre-data' | 'post-data' | 'sequences';

/** `schema/pre-data[.try<n>].sql.zst.pgp`, relative to the backup's folder. */
export function schemaPath(section: SchemaSection, options: Encoding & { attempt?: number }): string {
  const attempt = (options.attempt ?? 1) > 1 ? `.try${options.attempt}` : '';
  return `schema/${section}${attempt}.sql${encodingExtension(options)}`;
}

/** `config/database[.try<n>].json.zst.pgp`, relative to the backup's folder. */
export function configPath(options: Encoding & { attempt?: number }): string {
  const attempt = (options.attempt ?? 1) > 1 ? `.try${options.attempt}` : '';
  return `config/database${attempt}.json${encodingExtension(options)}`;
}
