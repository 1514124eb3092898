/** --clean-unfinished: shows what killed exports left behind, and with --yes removes what is old enough. */
import {
  findUnfinished,
  isAbandoned,
  type UnfinishedFolder,
} from '../../supabase/functions/_shared/backup/export/find-unfinished.ts';
import { removeFolder } from '../../supabase/functions/_shared/backup/export/remove-folder.ts';
import { type Environment, parseStoreConfig } from '../../supabase/functions/_shared/config.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { EXIT } from './exit-code.ts';
import type { RawExportOptions } from './export-command.ts';
import { plainTable } from './plain-table.ts';
import type { Output } from './run-export.ts';
import { sizeWords } from './size-words.ts';
import { line } from './terminal.ts';

const MINIMUM_AGE_MS = 24 * 3600 * 1000;

type Context = Output & { readonly environment: Environment };

/** Needs the store alone. Returns the exit code. */
export async function showUnfinished(raw: RawExportOptions, context: Context): Promise<number> {
  const store = openStore(raw, context.environment);
  const now = new Date();
  const found = (await findUnfinished(store)).map((folder) => ({
    ...folder,
    old: isAbandoned(folder, now, MINIMUM_AGE_MS),
  }));
  const old = found.filter((folder) => folder.old);
  if (raw.yes) for (const { folder } of old) await removeFolder(store, folder);
  const lines = context.json
    ? [JSON.stringify(jsonOf(store, found, raw.yes ?? false))]
    : textOf(store, found, raw.yes ?? false);
  for (const text of lines) line(context.terminal.stdout, text);
  return EXIT.ok;
}

function openStore(raw: RawExportOptions, environment: Environment): Store {
  if (raw.out !== undefined) return createDirectoryStore(raw.out);
  const { secretAccessKey, ...options } = parseStoreConfig(environment);
  return createS3Store({ ...options, secretAccessKey: secretAccessKey.reveal() });
}

type Found = UnfinishedFolder & { readonly old: boolean };

function jsonOf(store: Store, found: Found[], remove: boolean) {
  const folders = found.map(({ folder, objects, bytes, lastModified, old }) => ({
    folder,
    objects,
    bytes,
    last_modified: lastModified?.toISOString() ?? null,
    removed: remove && old,
  }));
  return { location: store.location, unfinished: folders, removed: folders.filter((folder) => folder.removed).length };
}

function textOf(store: Store, found: Found[], remove: boolean): string[] {
  if (found.length === 0) return [`Every backup in ${store.location} has its manifest; there is nothing to clean.`];
  const table = plainTable(
    ['folder', 'objects', 'size', 'last written', ''],
    ['left', 'right', 'right', 'left', 'left'],
  );
  for (const { folder, objects, bytes, lastModified, old } of found) {
    const verdict = old ? (remove ? 'removed' : 'would be removed') : 'kept: may still be running';
    table.push([
      folder,
      objects,
      sizeWords(bytes),
      lastModified?.toISOString().slice(0, 16).replace('T', ' ') ?? 'unknown',
      verdict,
    ]);
  }
  const old = found.filter((one) => one.old).length;
  const closing = remove
    ? `Removed ${countWords(old, 'folder')} from ${store.location}.`
    : `${countWords(old, 'folder')} older than 24 hours in ${store.location}. Nothing was removed: add --yes to remove ${old === 1 ? 'it' : 'them'}.`;
  return [table.toString(), closing];
}
