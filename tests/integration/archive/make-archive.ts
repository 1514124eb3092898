/** Writes a database as an archive into a directory, with the archive's own writers and psql as the source of rows. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checksumsText } from '../../../supabase/functions/_shared/archive/checksums.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import type {
  Cipher,
  CodecName,
  FormatName,
  StoredObject,
} from '../../../supabase/functions/_shared/archive/contracts.ts';
import { writeEnvelope } from '../../../supabase/functions/_shared/archive/envelope.ts';
import { restoreGuide } from '../../../supabase/functions/_shared/archive/restore-guide.ts';
import { restoreScript } from '../../../supabase/functions/_shared/archive/restore-script.ts';
import { writeSegment } from '../../../supabase/functions/_shared/archive/write-segment.ts';
import type { Manifest, ManifestTable } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { type SchemaSection, schemaPath, segmentPath } from '../../../supabase/functions/_shared/domain/object-path.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { columnList, POST_DATA, PRE_DATA, relation, TABLES } from './hard-database.ts';
import { psql } from './psql.ts';

export interface ArchiveOptions {
  readonly url: string;
  readonly folder: string;
  readonly format: FormatName;
  readonly codec: CodecName;
  readonly cipher: Cipher;
}

async function* blocks(bytes: Uint8Array, rows: number) {
  if (bytes.length > 0) yield { bytes: bytes.slice(), rows };
}

/** Rows on an even and on an odd page, so that tables have two segments. */
const PARTS = ['0001', '0002'];

interface Part {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** All segments' rows by `table/part`, with one run of psql. */
function readParts({ url, format, folder }: ArchiveOptions): Map<string, Part> {
  const all = TABLES.flatMap((table, at) =>
    PARTS.map((_, part) => ({ table, part, file: join(folder, `${at}.${part}`) })),
  );
  const script = all.map(({ table, part, file }) => {
    const from = `from only ${relation(table)} where (ctid::text::point)[1]::integer % 2 = ${part}`;
    const query = `select ${columnList(table.columns)} ${from}`;
    return [`\\o ${file}.count`, `select count(*) ${from};`, `\\o ${file}.rows`, rowsSql(query, format)].join('\n');
  });
  mkdirSync(folder, { recursive: true });
  psql(url, script.join('\n'));
  return new Map(all.map(({ table, part, file }) => [`${table.name}/${part}`, readPart(file, format)]));
}

function rowsSql(query: string, format: FormatName): string {
  if (format === 'json') return `select string_agg(to_json(t)::text, E',\\n') from (${query}) t;`;
  return `copy (${query}) to stdout${format === 'csv' ? ' with (format csv, header true)' : ''};`;
}

function readPart(file: string, format: FormatName): Part {
  const rows = Number(readFileSync(`${file}.count`, 'utf8'));
  const bytes = readFileSync(`${file}.rows`);
  for (const kind of ['count', 'rows']) rmSync(`${file}.${kind}`);
  // psql ends the one value with a line end, and prints an empty line for null.
  return { rows, bytes: format === 'json' ? bytes.subarray(0, -1) : bytes };
}

/** Returns the path of the backup's folder. */
export async function makeArchive(options: ArchiveOptions): Promise<string> {
  const { folder, format, cipher } = options;
  const store = createDirectoryStore(folder);
  const codec = createCodec(options.codec);
  const encoding = { codec: options.codec, encrypted: cipher.recipients.length > 0 };
  const common = { codec, cipher, store, keyPrefix: 'b' };
  const objects: StoredObject[] = [];
  const sections: string[] = [];
  const addSection = async (section: SchemaSection, sql: string) => {
    const path = schemaPath(section, encoding);
    objects.push(
      await writeSegment({ ...common, path, kind: section, source: blocks(new TextEncoder().encode(sql), 0) }),
    );
    sections.push(path);
  };
  await addSection('pre-data', PRE_DATA);
  await addSection('post-data', POST_DATA);
  await addSection('sequences', "select pg_catalog.setval('public.orders_id_seq', 777, true);\n");
  const parts = readParts(options);
  const tables: ManifestTable[] = [];
  for (const table of TABLES) {
    const segments: StoredObject[] = [];
    for (const [index, part] of PARTS.entries()) {
      const { bytes, rows } = parts.get(`${table.name}/${index}`)!;
      const input = {
        ...common,
        path: segmentPath({ ...table, ...encoding, part, format }),
        source: blocks(bytes, rows),
      };
      const envelope = { exportDate: '2026-01-14T02:00:00Z', tableName: table.name, part };
      segments.push(format === 'json' ? await writeEnvelope({ ...input, envelope }) : await writeSegment(input));
    }
    objects.push(...segments);
    tables.push({
      ...table,
      rows: segments.reduce((sum, one) => sum + one.rows!, 0),
      raw_bytes: segments.reduce((sum, one) => sum + one.rawBytes, 0),
      stored_bytes: segments.reduce((sum, one) => sum + one.size, 0),
      segments: segments.map((one) => one.path),
    });
  }
  const manifest = manifestOf(options, { objects, tables, sections });
  await store.put('b/restore.sh', new TextEncoder().encode(restoreScript(manifest)));
  await store.put('b/RESTORE.md', new TextEncoder().encode(restoreGuide(manifest)));
  await store.put('b/checksums.sha256', new TextEncoder().encode(checksumsText(objects)));
  return join(folder, 'b');
}

function manifestOf(
  { format, codec, cipher, url }: ArchiveOptions,
  made: { objects: StoredObject[]; tables: ManifestTable[]; sections: string[] },
): Manifest {
  const { objects, tables, sections } = made;
  const recipients = cipher.recipients.map((one) => ({
    fingerprint: one.fingerprint,
    user_id: one.userId,
    expires_at: one.expiresAt,
  }));
  return {
    format: 'holdfast-archive',
    version: { major: 1, minor: 0 },
    backup_id: 'manual_20260114_020000_9f3c11ab',
    cadence: 'manual',
    period: '2026-01-14-02-00',
    scope: 'full',
    created_at: '2026-01-14T02:00:00Z',
    completed_at: '2026-01-14T02:00:09Z',
    status: 'completed',
    limits: [],
    tool: { name: 'holdfast', version: '0.1.0' },
    source: {
      database: 'hard',
      server_version: '15.0',
      server_version_num: Number(psql(url, 'show server_version_num;')),
      encoding: 'UTF8',
      supabase: true,
    },
    consistency: {
      way: 'single-transaction',
      snapshot: null,
      pg_snapshot: '1:1:',
      lsn: '0/1',
      taken_at: '2026-01-14T02:00:00Z',
    },
    data_format: format,
    codec,
    encryption: recipients.length > 0 ? { scheme: 'openpgp', recipients } : null,
    signing: null,
    schema: { managed_schemas: ['auth'], extensions: [], sections },
    tables,
    objects: objects.map(({ rawBytes, storeSha256, ...object }) => ({
      ...object,
      raw_bytes: rawBytes,
      store_sha256: storeSha256,
    })),
    totals: {
      tables: tables.length,
      rows: tables.reduce((sum, table) => sum + table.rows, 0),
      objects: objects.length,
      raw_bytes: objects.reduce((sum, object) => sum + object.rawBytes, 0),
      stored_bytes: objects.reduce((sum, object) => sum + object.size, 0),
    },
  };
}
