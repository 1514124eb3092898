/** One section of the schema as one object, by the real pg_dump, from the run's snapshot. */
import { inBlocks } from '../archive/in-blocks.ts';
import { writeSegment } from '../archive/write-segment.ts';
import type { CodecName } from '../domain/formats.ts';
import { type SchemaSection, schemaPath } from '../domain/object-path.ts';
import { dropPlatformEntries } from '../postgres/drop-platform-entries.ts';
import { dumpPattern, dumpSection, type ExcludedName } from '../postgres/dump-schema.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { MANAGED_DATA } from '../postgres/managed-schemas.ts';
import { openSession } from '../postgres/open-session.ts';
import { readManagedExtras } from '../postgres/read-managed-extras.ts';
import { beginSnapshot } from '../postgres/snapshot.ts';
import type { StoredSegment } from '../runs/run-row.ts';
import type { BackupMeans } from './backup-settings.ts';
import { objectSegment } from './object-segment.ts';

/** pg_dump writes line by line; a codec wants blocks. */
const DDL_BLOCK_BYTES = 256 * 1024;

/** In the order of a restore. */
export const SCHEMA_SECTIONS: readonly SchemaSection[] = ['pre-data', 'sequences', 'post-data'];

export interface SchemaJob {
  readonly section: SchemaSection;
  /** Name of the exported snapshot. */
  readonly snapshot: string;
  readonly codec: CodecName;
  readonly folder: string;
  readonly attempt: number;
  /** The platform's own schemas: never DDL. Sequences of those whose rows are copied go with the rows. */
  readonly excludeSchemas: readonly string[];
  /** On Supabase: the extensions, which all belong to the platform. null elsewhere. */
  readonly platformExtensions: readonly { name: string; schema: string }[] | null;
  /** What pg_dump must not try to lock or read. */
  readonly excludeTables: readonly ExcludedName[];
  /**
   * How long pg_dump waits for its own lock of a table. DDL that waits for ours makes it wait too, which the server does
   * not take for a deadlock. Default: for ever.
   */
  readonly lockWaitMs?: number;
}

export async function dumpSchemaObject(means: BackupMeans, job: SchemaJob): Promise<StoredSegment> {
  const { section, snapshot, codec, attempt, excludeSchemas, excludeTables } = job;
  const { platform, databaseUrl, cipher, store } = means;
  const ddl = dumpSection(platform, databaseUrl, {
    section: section === 'sequences' ? 'data' : section,
    snapshot,
    excludeSchemas:
      section === 'sequences' ? excludeSchemas.filter((schema) => !(schema in MANAGED_DATA)) : excludeSchemas,
    excludeTables,
    args: [
      ...(job.platformExtensions ?? []).map(({ name }) => `--exclude-extension=${dumpPattern(name)}`),
      ...(job.lockWaitMs === undefined ? [] : [`--lock-wait-timeout=${job.lockWaitMs}`]),
    ],
  });
  const stored = await writeSegment({
    source: asBlocks(inBlocks(asProjectOnly(ddl, means, job), DDL_BLOCK_BYTES)),
    codec: means.codecFor(codec),
    cipher,
    store,
    keyPrefix: job.folder,
    path: schemaPath(section, { codec, encrypted: cipher.recipients.length > 0, attempt }),
    kind: section,
  });
  return objectSegment(section, stored);
}

async function* asBlocks(chunks: AsyncIterable<Uint8Array>) {
  for await (const bytes of chunks) yield { bytes, rows: 0 };
}

/**
 * A project grants everything on new objects to its API roles by default. Restored objects must have the grants they
 * had, no more: the target's defaults are cleared first, and the post-data section brings back those of the source.
 */
const CLEAR_DEFAULT_PRIVILEGES = (platformSchemas: string) => `do $$ declare d record; begin
  for d in
    select n.nspname, a.grantee, case defaclobjtype
        when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end as objects
    from pg_catalog.pg_default_acl
    left join pg_catalog.pg_namespace n on n.oid = defaclnamespace
    cross join lateral pg_catalog.aclexplode(defaclacl) a
    where pg_catalog.pg_get_userbyid(defaclrole) = current_user and a.grantee <> defaclrole
      and (n.nspname is null or n.nspname not in (${platformSchemas}))
    group by 1, 2, 3
  loop
    execute pg_catalog.format('alter default privileges %s revoke all on %s from %s',
      coalesce('in schema ' || pg_catalog.quote_ident(d.nspname), ''), d.objects,
      case d.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.grantee)) end);
  end loop;
end $$;
`;

function clearDefaultPrivileges(platformSchemas: readonly string[]): string {
  return CLEAR_DEFAULT_PRIVILEGES(["''", ...platformSchemas.map(quoteLiteral)].join(', '));
}

/**
 * On Supabase: nobody but the platform may create or comment its own things again, so they are left out; extensions are
 * asked for gently; and what the project added to the platform's tables comes last.
 */
async function* asProjectOnly(ddl: AsyncIterable<Uint8Array>, means: BackupMeans, job: SchemaJob) {
  const { section, platformExtensions, snapshot } = job;
  if (platformExtensions === null) return yield* ddl;
  const encoder = new TextEncoder();
  if (section === 'pre-data') {
    const statements = platformExtensions.map(
      ({ name, schema }) =>
        `create extension if not exists ${quoteIdentifier(name)} with schema ${quoteIdentifier(schema)};\n`,
    );
    yield encoder.encode(clearDefaultPrivileges(job.excludeSchemas) + statements.join(''));
  }
  yield* dropPlatformEntries(ddl);
  if (section !== 'post-data') return;
  const extras = await managedExtras(means, snapshot);
  if (extras.length > 0) yield encoder.encode(`${EXTRAS_HEADING}${extras.join('')}`);
}

/** As pg_dump heads its entries, so that readers see where its last one ends. */
const EXTRAS_HEADING = '\n--\n-- Name: platform tables; Type: PROJECT EXTRAS; Schema: -; Owner: -\n--\n\n';

async function managedExtras({ platform, databaseUrl }: BackupMeans, snapshot: string): Promise<string[]> {
  const session = await openSession(platform, databaseUrl, { applicationName: 'holdfast schema' });
  try {
    await beginSnapshot(session, { import: snapshot });
    return await readManagedExtras(session);
  } finally {
    await session.close();
  }
}
