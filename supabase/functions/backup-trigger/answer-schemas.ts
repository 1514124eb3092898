/** What the routes answer. The tests hold every answer against these, so they are the truth of openapi.json too. */
import { z } from 'zod';
import { STATUSES } from './request-schemas.ts';

const time = z.iso.datetime();
const bytes = z.number().int().nonnegative();
const count = z.number().int().nonnegative();
const facts = z.record(z.string(), z.unknown());
const status = z.enum(STATUSES);

const links = z
  .strictObject({ self: z.string(), cancel: z.string(), verify: z.string(), download: z.string() })
  .describe('Paths on the same host.')
  .meta({ id: 'BackupLinks' });

export const startedAnswer = z
  .strictObject({ backup_id: z.string(), status: z.literal('in_progress'), links })
  .meta({ id: 'StartedBackup' });

const summary = z.strictObject({
  backup_id: z.string(),
  cadence: z.string(),
  status,
  stage: z.enum(['queued', 'planning', 'copying', 'finishing', 'done']),
  scope: z.string().nullable(),
  reason: z.string().nullable(),
  label: z.string().nullable(),
  created_by: z.guid().nullable().describe('null: the service key, a schedule, or SQL.'),
  started_at: time,
  completed_at: time.nullable(),
  table_count: count.nullable(),
  row_count: count.nullable(),
  raw_bytes: bytes.nullable(),
  stored_bytes: bytes.nullable(),
  attempt: z.number().int().positive(),
  retry_of: z.string().nullable(),
  links,
});

export const listAnswer = z
  .strictObject({ backups: z.array(summary), next_cursor: z.string().nullable() })
  .meta({ id: 'BackupList' });

const verification = z
  .strictObject({
    verification_id: z.guid(),
    kind: z.string().nullable(),
    state: z.enum(['in_progress', 'passed', 'failed', 'inconclusive']),
    started_at: time.nullable(),
    success: z.boolean().nullable(),
    details: facts,
  })
  .meta({ id: 'Verification' });

const tableProgress = z.strictObject({
  schema: z.string(),
  table: z.string(),
  estimated_bytes: bytes,
  copied_bytes: bytes,
  estimated_rows: count,
  copied_rows: count,
  slices_done: count,
  slices_total: count,
});

const progress = z
  .strictObject({
    estimated_bytes: bytes,
    copied_bytes: bytes,
    copied_rows: count,
    stored_bytes: bytes,
    bytes_per_second: bytes.nullable(),
    estimated_end: time.nullable(),
    tables: z.array(tableProgress),
  })
  .meta({ id: 'Progress' });

export const backupAnswer = summary
  .extend({
    way: z.string().nullable().describe('How one snapshot was kept: single-transaction or keeper.'),
    folder: z.string().nullable(),
    location: z.string().nullable(),
    manifest_sha256: z.string().nullable(),
    limits: z.array(facts).describe('What the platform did not let us take.'),
    error: facts.nullable(),
    verification: verification.nullable().describe('The newest.'),
    progress,
  })
  .meta({ id: 'Backup' });

export const cancelledAnswer = z
  .strictObject({ backup_id: z.string(), status: z.literal('cancelled') })
  .meta({ id: 'CancelledBackup' });

export const verifyAnswer = z
  .strictObject({ backup_id: z.string(), verification_id: z.guid(), status: z.literal('in_progress') })
  .meta({ id: 'StartedVerification' });

const file = z.strictObject({
  path: z.string().describe("Relative to the backup's folder."),
  size: bytes,
  sha256: z.string().nullable().describe('null: the manifest does not list it.'),
  url: z
    .string()
    .nullable()
    .describe('Reads the object without credentials until urls_expire_at; null: the store has no such URLs.'),
});

export const downloadAnswer = z
  .strictObject({
    backup_id: z.string(),
    status,
    folder: z.string(),
    location: z.string().nullable(),
    manifest_sha256: z.string(),
    manifest: facts.nullable().describe('On the first page only.'),
    verification: verification.nullable(),
    urls_expire_at: time,
    file_count: count,
    files: z.array(file),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'Download' });
