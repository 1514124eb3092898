import { createHash } from 'node:crypto';
import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { readManifest } from '../../supabase/functions/_shared/archive/read-manifest.ts';
import type { Manifest } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { keyIn } from '../../supabase/functions/_shared/restore/archive-input.ts';
import { findBackup } from '../../supabase/functions/_shared/restore/find-backup.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from '../../supabase/functions/_shared/restore/manifest-file.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { EXIT } from './exit-code.ts';
import { plainTable } from './plain-table.ts';
import type { Output } from './run-export.ts';
import { sizeWords } from './size-words.ts';
import { line } from './terminal.ts';

const TABLES_SHOWN = 40;

/** What the manifest says, without reading any other object. Throws BACKUP_MISSING, MANIFEST_*, STORE_*. Returns the exit code. */
export async function showBackup(store: Store, wanted: string, { terminal, json }: Output): Promise<number> {
  const folder = await findBackup(store, wanted);
  const bytes = await store.getBytes(keyIn(folder, MANIFEST_FILE), MAX_MANIFEST_BYTES);
  const manifest = await readManifest(bytes);
  const facts = { location: store.location, folder, sha256: createHash('sha256').update(bytes).digest('hex') };
  const shown = json ? [JSON.stringify(jsonOf(manifest, facts))] : textOf(manifest, facts);
  for (const text of shown) line(terminal.stdout, text);
  return EXIT.ok;
}

interface Facts {
  readonly location: string;
  readonly folder: string;
  /** Of manifest.json. */
  readonly sha256: string;
}

/** The manifest but for its objects and the tables' segments, which are many. */
function jsonOf(manifest: Manifest, { location, folder, sha256 }: Facts) {
  const { objects: _, tables, ...rest } = manifest;
  return {
    location,
    folder,
    manifest_sha256: sha256,
    ...rest,
    tables: tables.map(({ segments, columns, ...table }) => ({
      ...table,
      columns: columns.length,
      segments: segments.length,
    })),
  };
}

function textOf(manifest: Manifest, { location, folder, sha256 }: Facts): string[] {
  const { consistency, source, totals, encryption, signing, limits } = manifest;
  const facts = plainTable(['', ''], ['left', 'left']);
  const recipients = (encryption?.recipients ?? []).map((one) => `${one.user_id} (${one.fingerprint})`);
  facts.push(
    ['status', manifest.status.replaceAll('_', ' ')],
    ['cadence', `${manifest.cadence}, ${manifest.period}`],
    ['scope', displayName(scopeWords(manifest))],
    ['taken at', `${consistency.taken_at} (${consistency.way})`],
    ['completed at', manifest.completed_at],
    [
      'source',
      `${displayName(source.database)}, PostgreSQL ${source.server_version}${source.supabase ? ', Supabase' : ''}`,
    ],
    ['format', `${manifest.data_format}, ${manifest.codec}`],
    ['size', `${sizeWords(totals.stored_bytes)} in ${totals.objects.toLocaleString('en-US')} objects`],
    ['encrypted to', displayName(recipients.join(', ')) || 'nobody'],
    ['signed by', signing?.fingerprint ?? 'nobody'],
    ['made by', `${manifest.tool.name} ${manifest.tool.version}`],
    ['folder', `${folder} in ${location}`],
    ['manifest SHA-256', sha256],
  );
  if (manifest.label !== undefined) facts.push(['label', displayName(manifest.label)]);
  if (manifest.reason !== undefined) facts.push(['reason', displayName(manifest.reason)]);
  return [
    manifest.backup_id,
    facts.toString().replace(/^\s*\n/, ''),
    '',
    ...tableLines(manifest),
    ...limits.map(({ message }) => `not in it: ${displayName(message)}`),
  ];
}

function scopeWords({ scope }: Manifest): string {
  if (typeof scope === 'string') return scope;
  const filters = (scope.where ?? []).map((one) => `${one.table}.${one.column} ${one.operator} ${one.value}`);
  return [`tables ${scope.tables.join(', ')}`, ...filters].join('; ');
}

function tableLines({ tables, totals }: Manifest): string[] {
  const table = plainTable(['table', 'rows', 'size', 'segments'], ['left', 'right', 'right', 'right']);
  const largest = [...tables].sort((one, other) => other.stored_bytes - one.stored_bytes).slice(0, TABLES_SHOWN);
  for (const { schema, name, rows, stored_bytes, segments } of largest) {
    table.push([
      displayName(`${schema}.${name}`),
      rows.toLocaleString('en-US'),
      sizeWords(stored_bytes),
      String(segments.length),
    ]);
  }
  const rest = tables.length - largest.length;
  const more = rest > 0 ? [`and ${rest} smaller tables`] : [];
  return [table.toString(), ...more, `${totals.rows.toLocaleString('en-US')} rows in ${tables.length} tables`];
}
