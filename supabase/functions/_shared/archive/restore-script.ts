/** Writes restore.sh: the way back with nothing but sh, psql, gpg, zstd or gzip, and sha256sum. */
import type { Manifest, ManifestTable } from '../domain/manifest-types.ts';
import { displayName } from './display-name.ts';
import { RESTORE_SHELL } from './restore-shell.ts';
import { countSql, foreignTablesSql, loadSql, missingTablesSql } from './restore-sql.ts';

/** What of a manifest a restore needs; the manifest that lists restore.sh itself comes later. */
export type RestoreFacts = Pick<
  Manifest,
  | 'backup_id'
  | 'codec'
  | 'consistency'
  | 'data_format'
  | 'encryption'
  | 'limits'
  | 'objects'
  | 'schema'
  | 'scope'
  | 'signing'
  | 'source'
  | 'tables'
  | 'totals'
>;

/** The text of restore.sh for one backup. Any name in it, in any script, with any quotes or line ends, stays a name. */
export function restoreScript(facts: RestoreFacts): string {
  return [
    '#!/bin/sh',
    `# Restores the backup ${facts.backup_id} into an empty database: sh restore.sh --help`,
    '# Made by Holdfast together with the backup; needs psql and the programs that the backup was packed for.',
    'set -u',
    'LC_ALL=C PGOPTIONS= PGAPPNAME=restore.sh',
    'export LC_ALL PGOPTIONS PGAPPNAME',
    ...variables(facts),
    ...functions(facts),
    RESTORE_SHELL,
  ].join('\n');
}

/** Everything that pg_dump sets too, because the rows were written under the same settings. */
const SESSION_SQL = [
  'set statement_timeout = 0;',
  'set lock_timeout = 0;',
  'set idle_in_transaction_session_timeout = 0;',
  'set client_min_messages = warning;',
  'set standard_conforming_strings = on;',
  'set row_security = off;',
  'set xmloption = content;',
  "set datestyle = 'ISO';",
  "set intervalstyle = 'postgres';",
  "set timezone = 'UTC';",
  "set search_path = '';",
].join('\n');

function variables(facts: RestoreFacts): string[] {
  const recipients = facts.encryption?.recipients.map((one) => `${one.fingerprint} ${displayName(one.user_id)}`) ?? [];
  const managed = facts.tables.filter((table) => table.managed);
  const tools = [...(facts.encryption ? ['gpg'] : []), ...(facts.codec === 'none' ? [] : [facts.codec])];
  const values: Record<string, string> = {
    title: `restoring ${facts.backup_id}, the state of ${facts.consistency.taken_at}`,
    format: facts.data_format,
    codec: facts.codec,
    encrypted: facts.encryption ? 'yes' : 'no',
    tools: tools.join(' '),
    recipients: recipients.join(', or of '),
    probe: smallest(facts),
    has_pre_data: sections(facts, 'pre-data').length > 0 || facts.data_format === 'sql' ? 'yes' : 'no',
    object_count: String(facts.objects.length),
    table_count: String(facts.tables.length),
    total_rows: String(facts.totals.rows),
    source_version: String(facts.source.server_version_num),
    SESSION: SESSION_SQL,
    FOREIGN_TABLES_SQL: foreignTablesSql(facts.schema.managed_schemas),
    MISSING_TABLES_SQL: managed.length === 0 ? '' : missingTablesSql(managed),
  };
  const encoding = facts.source.encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
  return [
    ...Object.entries(values).map(([name, value]) => `${name}=${shellQuote(value)}`),
    `PGCLIENTENCODING=${encoding}`,
    'export PGCLIENTENCODING',
  ];
}

function functions(facts: RestoreFacts): string[] {
  const counted = facts.tables.filter((table) => !table.managed);
  return [
    'restore_all() {',
    ...steps(facts).map((step) => `  ${step}`),
    '}',
    'count_queries() {',
    '  :',
    ...counted.map((table) => `  printf '%s\\n' ${shellQuote(countSql(table, table.rows))}`),
    '}',
  ];
}

function steps(facts: RestoreFacts): string[] {
  const run = (title: string) => (path: string) => `section ${shellQuote(title)} ${shellQuote(path)}`;
  if (facts.data_format === 'sql') {
    const whole = facts.objects.filter((object) => object.kind === 'database').map((object) => object.path);
    return whole.map(run('restoring schema and rows'));
  }
  const steps = [
    ...sections(facts, 'pre-data').map(run('creating tables, types and functions')),
    ...facts.tables.map((table) => loadStep(table, facts)),
    ...sections(facts, 'sequences').map(run('setting sequences')),
    ...sections(facts, 'post-data').map(run('creating indexes, constraints, triggers and policies')),
  ];
  return steps.length > 0 ? steps : [':'];
}

function loadStep(table: ManifestTable, { data_format }: RestoreFacts): string {
  const sql = loadSql(table, data_format as Exclude<typeof data_format, 'sql'>);
  const name = `${table.schema}.${table.name}`;
  // A managed name is looked up in what psql printed, so it stays as it is; others are for eyes only.
  const words = [
    table.managed ? name : displayName(name),
    String(table.rows),
    sql.beforeTable,
    sql.beforeSegment,
    sql.afterSegment,
    sql.afterTable,
    ...table.segments,
  ];
  return `${table.managed ? 'load_managed' : 'load'} ${words.map(shellQuote).join(' ')}`;
}

function sections(facts: RestoreFacts, kind: Manifest['objects'][number]['kind']): string[] {
  const kinds = new Map(facts.objects.map((object) => [object.path, object.kind]));
  return facts.schema.sections.filter((path) => kinds.get(path) === kind);
}

/** The object that costs least to find out whether the key is right. */
function smallest(facts: RestoreFacts): string {
  const stored = facts.objects.filter((object) => object.kind !== 'tool');
  return stored.reduce(
    (least, object) => (object.size < least.size ? object : least),
    stored[0] ?? { path: '', size: 0 },
  ).path;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
