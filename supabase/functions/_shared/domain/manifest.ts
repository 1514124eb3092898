/** The schema of manifest.json; docs/reference/manifest.schema.json is made from it. Only readers import this file. */
import { z } from 'zod';
import { FILTER_OPERATORS } from './backup-request.ts';
import { CADENCES } from './cadence.ts';
import { CODECS, FORMATS } from './formats.ts';
import type { Manifest } from './manifest-types.ts';

const count = z.int().nonnegative();
const time = z.iso.datetime({ offset: true });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const fingerprint = z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/);
/** Relative, in the characters that Holdfast writes, and never out of the folder. */
const path = z
  .string()
  .max(1024)
  .regex(/^(?!\.{1,2}(\/|$))[A-Za-z0-9_%~.-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_%~.-]+)*$/);

const snapshot = {
  snapshot: z.string().nullable().describe('name of the exported snapshot, or null'),
  pg_snapshot: z.string().describe('pg_current_snapshot() of the backup: which transactions it contains'),
  lsn: z.string().nullable().describe('pg_current_wal_lsn() when the snapshot was taken'),
  taken_at: time,
};

const table = z.object({
  schema: z.string(),
  name: z.string(),
  columns: z.array(z.string()).describe('copied columns in the order of the segments'),
  managed: z.boolean().describe('in a schema that the platform manages: data only, no DDL'),
  partition_root: z
    .object({ schema: z.string(), name: z.string() })
    .optional()
    .describe('of a partition: the partitioned table at the root'),
  persistence: z.enum(['p', 'u']).describe('p permanent, u unlogged'),
  rows: count,
  raw_bytes: count,
  stored_bytes: count,
  json_null_columns: z
    .record(z.string(), count)
    .optional()
    .describe('format json only: by column, how many JSON null values became SQL NULL'),
  segments: z.array(path).describe('paths in row order'),
});

const object = z.object({
  path,
  kind: z.enum(['pre-data', 'post-data', 'sequences', 'segment', 'database', 'config', 'tool']),
  size: count.describe('stored bytes'),
  sha256: sha256.describe('of the stored bytes'),
  raw_bytes: count.describe('bytes before compression and encryption'),
  rows: count.optional(),
  store_sha256: z.string().optional().describe("the store's own checksum of upload time, where it keeps one"),
});

const recipient = z.object({
  fingerprint: fingerprint.describe('of the primary key'),
  user_id: z.string(),
  expires_at: time.nullable().describe('null: never'),
});

const filter = z.object({
  table: z.string(),
  column: z.string(),
  operator: z.enum(FILTER_OPERATORS),
  value: z.string(),
});

export const MANIFEST_SCHEMA = z
  .object({
    format: z.literal('holdfast-archive'),
    version: z.object({ major: z.literal(1), minor: count }),
    backup_id: z.string(),
    cadence: z.enum(CADENCES),
    period: z.string(),
    label: z.string().optional(),
    reason: z.string().optional(),
    scope: z.union([
      z.enum(['full', 'critical']),
      z.object({ tables: z.array(z.string()), where: z.array(filter).optional() }),
    ]),
    created_at: time,
    completed_at: time,
    status: z.enum(['completed', 'completed_with_limits']),
    limits: z
      .array(z.object({ code: z.string(), object: z.string(), message: z.string() }))
      .describe('what the platform did not let the backup take'),
    tool: z.object({ name: z.string(), version: z.string() }),
    source: z.object({
      database: z.string(),
      server_version: z.string(),
      server_version_num: count,
      encoding: z.string(),
      supabase: z.boolean(),
      system_identifier: z.string().optional(),
    }),
    consistency: z.object({ way: z.enum(['single-transaction', 'keeper', 'own-connection']), ...snapshot }),
    data_format: z.enum([...FORMATS, 'sql']).describe('what the rows are stored as'),
    codec: z.enum(CODECS),
    encryption: z.object({ scheme: z.literal('openpgp'), recipients: z.array(recipient).min(1) }).nullable(),
    signing: z.object({ fingerprint }).nullable(),
    schema: z.object({
      managed_schemas: z.array(z.string()),
      extensions: z.array(z.object({ name: z.string(), version: z.string(), schema: z.string() })),
      sections: z.array(path).describe('paths of the DDL in the order of a restore: pre-data, sequences, post-data'),
    }),
    tables: z.array(table),
    objects: z.array(object),
    totals: z.object({ tables: count, rows: count, objects: count, raw_bytes: count, stored_bytes: count }),
  })
  .describe('manifest.json of a Holdfast backup') satisfies z.ZodType<Manifest>;
