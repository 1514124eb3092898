/** What the ledger would say of a completed backup, from its manifest. Pure; the names are those of the columns. */
import type { BackupRequest } from '../domain/backup-request.ts';
import type { Manifest, ManifestObject, ManifestTable } from '../domain/manifest-types.ts';
import type { CatalogFacts } from './run-row.ts';

export interface ManifestFacts {
  readonly folder: string;
  readonly location: string;
  readonly manifest: Manifest;
  readonly manifestBytes: number;
  readonly manifestSha256: string;
  /** Of manifest.json.sig, which no list contains; null when there is none. */
  readonly signature: { readonly size: number; readonly sha256: string } | null;
}

const PART_DIGITS = 4;

export function rowsOfManifest(facts: ManifestFacts) {
  const { manifest } = facts;
  return { log: logRow(facts), segments: segmentRows(facts), tables: manifest.tables.map(tableRow) };
}

function logRow({ manifest, folder, location, manifestSha256 }: ManifestFacts) {
  const { way, ...consistency } = manifest.consistency;
  const { totals } = manifest;
  return {
    backup_id: manifest.backup_id,
    backup_type: manifest.cadence,
    reason: manifest.reason ?? null,
    started_at: manifest.created_at,
    completed_at: manifest.completed_at,
    status: manifest.status,
    request: requestOf(manifest),
    label: manifest.label ?? null,
    folder,
    way,
    consistency,
    catalog: catalogOf(manifest),
    limits: manifest.limits,
    table_count: totals.tables,
    row_count: totals.rows,
    object_count: totals.objects,
    raw_bytes: totals.raw_bytes,
    stored_bytes: totals.stored_bytes,
    manifest_sha256: manifestSha256,
    location,
  };
}

/** What would ask for this backup again. Rows of `full` and `critical` that were filtered stand as their tables. */
function requestOf({ scope, cadence, reason, label, data_format, codec }: Manifest): BackupRequest {
  const named = typeof scope === 'string' ? { scope } : { scope: 'tables' as const, ...scope };
  return {
    ...named,
    cadence,
    ...(reason === undefined ? {} : { reason }),
    ...(label === undefined ? {} : { label }),
    ...(data_format === 'sql' ? {} : { format: data_format }),
    codec,
  };
}

function catalogOf({ source, schema }: Manifest): CatalogFacts {
  return {
    database: source.database,
    serverVersion: source.server_version,
    serverVersionNum: source.server_version_num,
    encoding: source.encoding,
    supabase: source.supabase,
    managedSchemas: schema.managed_schemas,
    extensions: schema.extensions,
  };
}

function segmentRows({ manifest, manifestBytes, manifestSha256, signature }: ManifestFacts) {
  const owners = new Map(manifest.tables.flatMap((table) => table.segments.map((path, at) => [path, { table, at }])));
  const own = [{ path: 'manifest.json', size: manifestBytes, sha256: manifestSha256 }];
  const sealed = signature ? [...own, { path: 'manifest.json.sig', ...signature }] : own;
  return [
    ...manifest.objects.map((object) => segmentRow(object, owners.get(object.path))),
    ...sealed.map((object) => segmentRow({ ...object, kind: 'tool', raw_bytes: object.size })),
  ];
}

function segmentRow(object: ManifestObject, owner?: { table: ManifestTable; at: number }) {
  return {
    path: object.path,
    kind: object.kind,
    schema_name: owner?.table.schema ?? null,
    table_name: owner?.table.name ?? null,
    part: owner ? partOf(owner) : null,
    row_count: object.rows ?? null,
    raw_bytes: object.raw_bytes,
    stored_bytes: object.size,
    sha256: object.sha256,
    store_sha256: object.store_sha256 ?? null,
  };
}

/** The order is the manifest's; ordinals that were cut in two (0002.1) become whole ones. */
function partOf({ table, at }: { table: ManifestTable; at: number }): string {
  const count = table.segments.length;
  return count === 1 ? '' : String(at + 1).padStart(Math.max(PART_DIGITS, String(count).length), '0');
}

/** Plans are gone with the database; what was stored stands in for what was expected. */
function tableRow(table: ManifestTable) {
  const { schema, name, managed, persistence, columns } = table;
  return {
    schema_name: schema,
    table_name: name,
    estimated_bytes: table.raw_bytes,
    estimated_rows: table.rows,
    slices: table.segments.length,
    facts: { schema, name, managed, persistence, columns: columns.map((column) => ({ name: column })), rebuilt: true },
  };
}
