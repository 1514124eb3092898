/** The manifest of a backup from what the ledger knows of it. Pure. */

import type { Cipher } from '../archive/contracts.ts';
import type { Signer } from '../archive/sign-manifest.ts';
import type { BackupRequest } from '../domain/backup-request.ts';
import type { Cadence } from '../domain/cadence.ts';
import {
  type ConsistencyWay,
  type Limit,
  MANIFEST_VERSION,
  type Manifest,
  type ManifestObject,
  type ManifestTable,
  type SnapshotFacts,
} from '../domain/manifest-types.ts';
import { TOOL } from '../domain/tool.ts';
import type { Table } from '../postgres/catalog-types.ts';
import type { CatalogFacts, StoredSegment } from '../runs/run-row.ts';
import { SCHEMA_SECTIONS } from './dump-schema-object.ts';
import { tableKey } from './table-facts.ts';

export interface ManifestInput {
  readonly backupId: string;
  readonly cadence: string;
  readonly period: string;
  readonly label: string | null;
  readonly request: BackupRequest;
  readonly startedAt: Date;
  readonly limits: Limit[];
  readonly source: CatalogFacts;
  readonly way: ConsistencyWay;
  readonly consistency: SnapshotFacts;
  readonly tables: readonly Table[];
  readonly segments: readonly StoredSegment[];
  /** Default: the request's. `sql` only by scripts. */
  readonly dataFormat?: Manifest['data_format'];
}

/** `extra`: objects that are no segments, in the order they are to be listed. */
export function buildManifest(
  { cipher, signer }: { readonly cipher: Cipher; readonly signer: Signer | null },
  input: ManifestInput,
  extra: readonly StoredSegment[],
): Manifest {
  const { request, source } = input;
  const tables = manifestTables(input);
  const objects = [...input.segments, ...extra].map(toManifestObject);
  return {
    format: 'holdfast-archive',
    version: MANIFEST_VERSION,
    backup_id: input.backupId,
    cadence: input.cadence as Cadence,
    period: input.period,
    ...(input.label ? { label: input.label } : {}),
    ...(request.reason ? { reason: request.reason } : {}),
    scope: scopeOf(request),
    created_at: input.startedAt.toISOString(),
    completed_at: new Date().toISOString(),
    status: input.limits.length === 0 ? 'completed' : 'completed_with_limits',
    limits: input.limits,
    tool: TOOL,
    source: {
      database: source.database,
      server_version: source.serverVersion,
      server_version_num: source.serverVersionNum,
      encoding: source.encoding,
      supabase: source.supabase,
    },
    consistency: { way: input.way, ...input.consistency },
    data_format: input.dataFormat ?? request.format ?? 'copy',
    codec: request.codec ?? 'zstd',
    encryption:
      cipher.recipients.length === 0
        ? null
        : {
            scheme: 'openpgp',
            recipients: cipher.recipients.map(({ fingerprint, userId, expiresAt }) => ({
              fingerprint,
              user_id: userId,
              expires_at: expiresAt,
            })),
          },
    signing: signer && { fingerprint: signer.fingerprint },
    schema: {
      managed_schemas: source.managedSchemas,
      extensions: source.extensions,
      sections: SCHEMA_SECTIONS.flatMap((section) =>
        input.segments.filter((segment) => segment.kind === section).map((segment) => segment.path),
      ),
    },
    tables,
    objects,
    totals: {
      tables: tables.length,
      rows: sum(tables, (table) => table.rows),
      objects: objects.length,
      raw_bytes: sum(objects, (object) => object.raw_bytes),
      stored_bytes: sum(objects, (object) => object.size),
    },
  };
}

export function toManifestObject(segment: StoredSegment): ManifestObject {
  return {
    path: segment.path,
    kind: segment.kind as ManifestObject['kind'],
    size: segment.storedBytes,
    sha256: segment.sha256,
    raw_bytes: segment.rawBytes,
    ...(segment.rowCount === null ? {} : { rows: segment.rowCount }),
    ...(segment.storeSha256 === null ? {} : { store_sha256: segment.storeSha256 }),
  };
}

function manifestTables({ tables, segments }: ManifestInput): ManifestTable[] {
  const byTable = new Map<string, StoredSegment[]>();
  for (const segment of segments) {
    if (segment.schemaName === null || segment.tableName === null) continue;
    const key = tableKey(segment.schemaName, segment.tableName);
    const known = byTable.get(key);
    if (known) known.push(segment);
    else byTable.set(key, [segment]);
  }
  const inFile = countsInFile(segments);
  return tables.map((table) => {
    const key = tableKey(table.schema, table.name);
    const facts = manifestTable(table, byTable.get(key) ?? []);
    return { ...facts, ...inFile.get(key) };
  });
}

/** Format sql: the rows of all tables are in one object, which says how many are whose. */
function countsInFile(segments: readonly StoredSegment[]): Map<string, { rows: number; raw_bytes: number }> {
  const counts = new Map<string, { rows: number; raw_bytes: number }>();
  for (const { kind, facts } of segments) {
    if (kind !== 'database') continue;
    for (const table of (facts?.tables ?? []) as { schema: string; name: string; rows: number; rawBytes: number }[]) {
      counts.set(tableKey(table.schema, table.name), { rows: table.rows, raw_bytes: table.rawBytes });
    }
  }
  return counts;
}

function manifestTable(table: Table, segments: StoredSegment[]): ManifestTable {
  const inOrder = [...segments].sort((a, b) => (a.part! < b.part! ? -1 : 1));
  const jsonNulls = addUp(inOrder);
  return {
    schema: table.schema,
    name: table.name,
    columns: table.columns.filter((column) => !column.generated).map((column) => column.name),
    managed: table.managed,
    ...(table.partitionRoot ? { partition_root: table.partitionRoot } : {}),
    persistence: table.persistence,
    rows: sum(inOrder, (segment) => segment.rowCount ?? 0),
    raw_bytes: sum(inOrder, (segment) => segment.rawBytes),
    stored_bytes: sum(inOrder, (segment) => segment.storedBytes),
    ...(Object.keys(jsonNulls).length > 0 ? { json_null_columns: jsonNulls } : {}),
    segments: inOrder.map((segment) => segment.path),
  };
}

function addUp(segments: StoredSegment[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const segment of segments) {
    const counts = (segment.facts?.jsonNulls ?? {}) as Record<string, number>;
    for (const [column, count] of Object.entries(counts)) totals[column] = (totals[column] ?? 0) + count;
  }
  return totals;
}

function scopeOf(request: BackupRequest): Manifest['scope'] {
  if (request.scope === 'full' && !request.where?.length) return 'full';
  if (request.scope === 'critical' && !request.where?.length) return 'critical';
  return { tables: [...(request.tables ?? [])], ...(request.where?.length ? { where: [...request.where] } : {}) };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
