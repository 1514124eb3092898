import pc from 'picocolors';
import type { UnfinishedFolder } from '../../supabase/functions/_shared/backup/export/find-unfinished.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import type { Output } from './run-export.ts';
import { line } from './terminal.ts';

/** To stderr; with --json the warnings are part of the object instead. */
export function warn({ terminal, json }: Output, text: string): void {
  if (!json) line(terminal.stderr, `${pc.yellow('warning:')} ${text}`);
}

/** One line about folders without a manifest, or none. */
export function unfinishedWarnings(unfinished: readonly UnfinishedFolder[]): string[] {
  if (unfinished.length === 0) return [];
  const [first] = unfinished;
  const more = unfinished.length > 1 ? ` and ${unfinished.length - 1} more` : '';
  return [
    `${countWords(unfinished.length, 'folder')} without a manifest in this store (${first!.folder}${more}): ` +
      'an export that was killed, or one that still runs; --clean-unfinished shows and removes the old ones',
  ];
}
