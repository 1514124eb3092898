import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { parseConnectionUrl } from '../../supabase/functions/_shared/postgres/connection-url.ts';
import type { RestoreOptions } from '../../supabase/functions/_shared/restore/contracts.ts';
import type { RestoreMeans } from '../../supabase/functions/_shared/restore/restore-means.ts';
import { ask } from './ask.ts';
import { targetWords } from './target-words.ts';
import { line, type Terminal } from './terminal.ts';

const NAMES_SHOWN = 20;

/**
 * Asks for the database's name before what its tables hold is replaced; nothing is asked when no table is.
 * Throws CONFIRMATION_MISSING for any other answer, and what planning throws.
 */
export async function confirmReplace({
  means,
  options,
  terminal,
}: {
  means: RestoreMeans;
  options: RestoreOptions;
  terminal: Terminal;
}): Promise<void> {
  const { planOf } = await import('../../supabase/functions/_shared/restore/restore-database.ts');
  const plan = await planOf(means, options);
  const replaced = plan.tables.filter(({ action }) => action === 'replace');
  if (replaced.length === 0) return;
  const { database } = parseConnectionUrl(means.targetUrl);
  const { stderr } = terminal;
  line(
    stderr,
    `${countWords(replaced.length, 'table')} of ${displayName(targetWords(means.targetUrl))} will be replaced:`,
  );
  for (const { target } of replaced.slice(0, NAMES_SHOWN))
    line(stderr, `  - ${displayName(`${target.schema}.${target.name}`)}`);
  if (replaced.length > NAMES_SHOWN) line(stderr, `  and ${replaced.length - NAMES_SHOWN} more`);
  const answer = await ask(terminal, `Type the name of the database (${displayName(database)}) to go on: `);
  if (answer.trim() !== database)
    throw ERRORS.CONFIRMATION_MISSING(`the answer must be '${displayName(database)}': nothing was replaced`);
}
