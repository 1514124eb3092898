/** The command from its arguments to its exit code. Entry files give it the process's own streams and environment. */
import pc from 'picocolors';
import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../supabase/functions/_shared/postgres/open-session.ts';
import type { HeldBack } from '../../supabase/functions/_shared/restore/contracts.ts';
import { activateCommand, type RawActivateOptions } from './activate-command.ts';
import { type ActivatedItem, activateItems } from './activate-items.ts';
import { activateInputInvalid, type CheckedActivation, checkActivateInput, itemName } from './activate-setup.ts';
import { ask } from './ask.ts';
import { EXIT } from './exit-code.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportFailure, writeError } from './report-failure.ts';
import type { Output } from './run-export.ts';
import type { CommandProcess } from './run-restore.ts';
import { targetWords } from './target-words.ts';
import { line } from './terminal.ts';
import { warn } from './warnings.ts';

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runActivate({ args, environment, terminal }: CommandProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const command = parseArguments(
      activateCommand((text) => terminal.stdout.write(text)),
      args,
      activateInputInvalid,
    );
    if (command === null) return EXIT.ok;
    const raw = command.opts<RawActivateOptions>();
    const input = await checkActivateInput(raw, { environment, terminal });
    const output = { terminal, json };
    if (input.targetUrl === null) return showItems(input, { ...output, sql: raw.dryRun === true });
    return await activateAll(input, { ...output, targetUrl: input.targetUrl, yes: raw.yes === true });
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

function showItems({ report, items }: CheckedActivation, { terminal, json, sql }: Output & { sql: boolean }): number {
  const write = (text: string) => line(terminal.stdout, text);
  if (json) {
    write(JSON.stringify({ backup_id: report.backupId, held_back: items.map((item) => itemJson(item)) }));
    return EXIT.ok;
  }
  if (items.length === 0) write(`The restore of ${report.backupId} held nothing back.`);
  else
    write(`${countWords(items.length, 'item')} held back by the restore of ${report.backupId}. Nothing was turned on.`);
  for (const item of items) {
    write(`${pc.bold(displayName(itemName(item)))}  ${displayName(item.reason)}`);
    if (sql) for (const text of item.activateSql.split('\n')) write(`    ${displayName(text)}`);
  }
  return EXIT.ok;
}

async function activateAll(
  { report, items }: CheckedActivation,
  { targetUrl, yes, ...output }: Output & { targetUrl: string; yes: boolean },
): Promise<number> {
  const { terminal, json } = output;
  const session = await openSession(nodePlatform, targetUrl, { applicationName: 'holdfast activate' });
  try {
    const [[database] = []] = await session.query('select current_database()');
    if (database !== report.database)
      warn(
        output,
        `the report is of database '${displayName(report.database)}', this one is '${displayName(database ?? '')}'`,
      );
    if (items.length > 0 && !yes) await confirm(items, { ...output, targetUrl });
    const done = await activateItems(session, items, (one) => {
      if (!json) line(terminal.stdout, itemLine(one));
    });
    return finish(report.backupId, done, output);
  } finally {
    await session.close();
  }
}

async function confirm(
  items: readonly HeldBack[],
  { terminal, targetUrl }: Output & { targetUrl: string },
): Promise<void> {
  for (const item of items) line(terminal.stderr, `  - ${displayName(itemName(item))}`);
  const where = displayName(targetWords(targetUrl));
  const answer = await ask(terminal, `Turn ${countWords(items.length, 'item')} on in ${where}? (yes or no) `);
  if (answer.trim() !== 'yes') throw ERRORS.CONFIRMATION_MISSING("the answer must be 'yes': nothing was turned on");
}

function itemLine({ item, state, detail }: ActivatedItem): string {
  const colour = state === 'failed' ? pc.red : pc.green;
  return `${colour(state.padEnd(10))}  ${displayName(itemName(item))}${detail === '' ? '' : `: ${displayName(detail)}`}`;
}

function finish(backupId: string, done: readonly ActivatedItem[], { terminal, json }: Output): number {
  const failed = done.filter(({ state }) => state === 'failed');
  const error =
    failed.length === 0
      ? null
      : ERRORS.ACTIVATION_FAILED(
          `${countWords(failed.length, 'item')} of ${done.length} could not be turned on: ${failed.map(({ item }) => displayName(itemName(item))).join(', ')}`,
        );
  if (json) {
    const items = done.map(({ item, state, detail }) => ({ ...itemJson(item), state, detail }));
    const { code, message, hint } = error ?? {};
    line(terminal.stdout, JSON.stringify({ backup_id: backupId, items, error: error && { code, message, hint } }));
  } else if (error) writeError(error, terminal);
  else line(terminal.stdout, done.length === 0 ? 'Nothing was held back.' : `✅ ${countWords(done.length, 'item')} on`);
  return error ? error.exit : EXIT.ok;
}

function itemJson({ kind, name, reason, activateSql }: HeldBack) {
  return { kind, name, reason, activate_sql: activateSql };
}
