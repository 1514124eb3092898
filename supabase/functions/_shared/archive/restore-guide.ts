/** Writes RESTORE.md: what the folder is and how to get it back, for somebody who has never heard of Holdfast. */
import type { Manifest } from '../domain/manifest-types.ts';
import { displayName } from './display-name.ts';
import type { RestoreFacts } from './restore-script.ts';

export function restoreGuide(facts: RestoreFacts): string {
  return [
    `# How to restore ${facts.backup_id}`,
    introduction(facts),
    keys(facts),
    withScript(facts),
    byHand(facts),
    contents(facts),
    limits(facts),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function introduction(facts: RestoreFacts): string {
  const { source, totals, consistency, limits } = facts;
  const state = limits.length > 0 ? ' Not everything could be taken; see the end.' : '';
  return (
    `This folder is a backup of the PostgreSQL database \`${displayName(source.database)}\` (server ${source.server_version}) ` +
    `as it was at ${consistency.taken_at}: ${scopeText(facts.scope)}, ${totals.rows} rows in ${totals.tables} tables.${state}\n\n` +
    'Nothing but standard programs is needed to get it back: ' +
    `${programs(facts).join(', ')}. Download the whole folder first and keep the names as they are.`
  );
}

function scopeText(scope: Manifest['scope']): string {
  if (scope === 'full') return 'the whole database';
  return scope === 'critical' ? 'its critical tables' : 'some of its tables';
}

function programs(facts: RestoreFacts): string[] {
  const codec = { zstd: ['`zstd`'], gzip: ['`gzip`'], none: [] }[facts.codec];
  return ['`psql`', ...(facts.encryption ? ['`gpg`'] : []), ...codec, '`sha256sum`'];
}

function keys({ encryption, signing }: RestoreFacts): string {
  const lines = ['## Keys', ''];
  if (encryption) {
    lines.push('The objects are encrypted. The private key of any **one** of these opens all of them:', '');
    for (const { fingerprint, user_id } of encryption.recipients)
      lines.push(`- \`${fingerprint}\` ${markdown(user_id)}`);
    lines.push('', 'Import it with `gpg --import <file>` where it is not in your keyring yet.');
  } else {
    lines.push('The objects are **not** encrypted.');
  }
  lines.push('');
  if (signing) {
    lines.push(
      `\`manifest.json\` is signed by the key \`${signing.fingerprint}\`, and names the SHA-256 of every object. Take the`,
      "signer's public key from a place that you trust, not from this folder:",
      '',
      '```sh',
      'gpg --verify manifest.json.sig manifest.json &&',
      '  jq -r \'.objects[] | .sha256 + "  " + .path\' manifest.json | sha256sum -c --quiet',
      '```',
    );
  } else {
    lines.push('The manifest is not signed: checksums show damage, but not who wrote the files.');
  }
  return lines.join('\n');
}

function withScript(facts: RestoreFacts): string {
  return [
    '## With the script',
    '',
    '```sh',
    'createdb restored',
    'sh restore.sh postgres://postgres@localhost:5432/restored',
    '```',
    '',
    'It verifies the checksums, tries the key, looks at the target, and only then begins: tables and types, rows, sequences,',
    'then indexes, constraints, triggers and policies. Each table is one transaction. At the end it compares row counts.',
    '`sh restore.sh --help` shows the options. The target must be empty, and roles that the backup names in grants and',
    'owners must exist there. The role needs the right to set `session_replication_role` (a superuser has it, and `postgres`',
    'on Supabase).',
    '',
    'The script knows no erasure ledger: where people were erased after this backup was made, restore with Holdfast instead,',
    `\`npm run backup:restore -- ${facts.backup_id}\`, which erases them again before the database is released.`,
    ...managedText(facts),
  ].join('\n');
}

function managedText(facts: RestoreFacts): string[] {
  const managed = facts.tables.filter((table) => table.managed);
  if (managed.length === 0) return [];
  const schemas = [...new Set(managed.map((table) => table.schema))].map((schema) => `\`${displayName(schema)}\``);
  return [
    '',
    `Rows of ${schemas.join(', ')} are in the backup, but not the definitions of those tables: the Supabase platform creates`,
    'them. Restore into a Supabase project; columns that it does not have, and rows that it has already, are left out and named.',
  ];
}

function byHand(facts: RestoreFacts): string {
  const lines = [
    '## By hand',
    '',
    'Every object is decoded the same way:',
    '',
    '```sh',
    `${pipe(facts, 'FILE')} > decoded`,
    '```',
    '',
  ];
  if (facts.data_format === 'sql') {
    const whole = facts.objects.find((object) => object.kind === 'database');
    if (whole) lines.push('```sh', `${pipe(facts, whole.path)} | psql -X -v ON_ERROR_STOP=1 TARGET`, '```');
    return lines.join('\n');
  }
  lines.push(
    'In this order:',
    '',
    '1. `schema/pre-data…` into `psql -X -v ON_ERROR_STOP=1`.',
    `2. The rows, with \`set session_replication_role = replica\` in the same session. ${rowsText(facts)}`,
    '   The columns and the segments of each table, in order, are in `manifest.json` under `tables`.',
    '3. `schema/sequences…`, then `schema/post-data…`, as in 1.',
  );
  const table = facts.tables.find((one) => !one.managed && one.segments.length > 0);
  if (table && facts.data_format === 'copy') lines.push('', ...example(facts, table));
  return lines.join('\n');
}

function rowsText({ data_format }: RestoreFacts): string {
  if (data_format === 'copy') return "They are PostgreSQL's COPY text.";
  if (data_format === 'csv') return 'They are CSV with a header: `copy … from stdin with (format csv, header true)`.';
  return 'They are JSON, `{"metadata": …, "data": [rows]}`: `json_populate_recordset()` turns `data` into rows.';
}

function example(facts: RestoreFacts, table: Manifest['tables'][number]): string[] {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const columns = table.columns.map(quoted).join(', ');
  const copy = `copy ${quoted(table.schema)}.${quoted(table.name)} (${columns}) from stdin`;
  // A name with a quote or a line end would need escaping that hides what the example shows.
  if (/['\\`\n\r$]/.test(copy)) return [];
  return [
    'For instance:',
    '',
    '```sh',
    `${pipe(facts, table.segments[0]!)} |`,
    `  psql -X -v ON_ERROR_STOP=1 -c 'set session_replication_role = replica' -c '${copy}' TARGET`,
    '```',
  ];
}

function pipe({ encryption, codec }: RestoreFacts, file: string): string {
  const decompress = { zstd: 'zstd -dc', gzip: 'gzip -dc', none: '' }[codec];
  if (!encryption) return decompress === '' ? `cat ${file}` : `${decompress} ${file}`;
  return decompress === '' ? `gpg --decrypt ${file}` : `gpg --decrypt ${file} | ${decompress}`;
}

function contents({ tables }: RestoreFacts): string {
  const rows = tables.map(
    (table) => `| ${markdown(`${table.schema}.${table.name}`)} | ${table.rows} | ${table.segments.length} |`,
  );
  return ['## What is in it', '', '| table | rows | segments |', '| --- | ---: | ---: |', ...rows].join('\n');
}

function limits({ limits: all }: RestoreFacts): string {
  if (all.length === 0) return '';
  return ['## What is not in it', '', ...all.map((limit) => `- ${markdown(limit.message)} (${limit.code})`)].join('\n');
}

function markdown(text: string): string {
  return displayName(text).replace(/[\\`*_[\]<>|#]/g, '\\$&');
}
