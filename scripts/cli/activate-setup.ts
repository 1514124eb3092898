/** From options and environment to what an activation needs; everything that is wrong with either is one error. */
import { type Environment, parseRestoreConfig } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { HeldBack } from '../../supabase/functions/_shared/restore/contracts.ts';
import type { RawActivateOptions } from './activate-command.ts';
import { canAsk } from './ask.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { problemsOf } from './problems-of.ts';
import { type HeldBackReport, readHeldBack } from './read-held-back.ts';
import type { Terminal } from './terminal.ts';

export interface CheckedActivation {
  readonly report: HeldBackReport;
  /** What --only chose, or all. */
  readonly items: readonly HeldBack[];
  /** null only for --list and --dry-run. */
  readonly targetUrl: string | null;
}

const NO_TARGET = 'a target must be given: --target postgres://…, or RESTORE_TARGET_URL';
const NO_YES = '--yes is needed where there is no terminal to ask on; --dry-run shows what would run';

/** `cron-job:nightly-cleanup`: how people name an item. */
export function itemName({ kind, name }: Pick<HeldBack, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}

/** Reads the report, and nothing else. Throws CONFIG_INVALID with all problems. */
export async function checkActivateInput(
  raw: RawActivateOptions,
  { environment, terminal }: { environment: Environment; terminal: Terminal },
): Promise<CheckedActivation> {
  const problems: string[] = [];
  if (raw.report === undefined) problems.push('--report must name the JSON report of the restore');
  const report = raw.report === undefined ? null : await readHeldBack(raw.report, problems);
  const acts = !raw.list && !raw.dryRun;
  const targetUrl = acts ? readTarget(raw, { environment, problems }) : null;
  if (acts && !raw.yes && !canAsk(terminal)) problems.push(NO_YES);
  const items = report ? chosen(report, { only: raw.only, problems }) : [];
  if (report === null || problems.length > 0) throw activateInputInvalid(problems);
  return { report, items, targetUrl };
}

/** One error for all of them; exit code 2. */
export function activateInputInvalid(problems: readonly string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct the options and variables named above; nothing was turned on. --help shows examples.',
  });
}

function readTarget(
  { target }: RawActivateOptions,
  { environment, problems }: { environment: Environment; problems: string[] },
): string | null {
  const url = target ?? fromEnvironment(environment, problems);
  if (url === null) problems.push(NO_TARGET);
  else if (url !== '')
    problems.push(...databaseUrlProblems(url, target === undefined ? 'RESTORE_TARGET_URL' : '--target'));
  return url;
}

/** '' when the variable is set badly: that has been said. */
function fromEnvironment(environment: Environment, problems: string[]): string | null {
  try {
    const { targetUrl } = parseRestoreConfig((name) => (name === 'RESTORE_TARGET_URL' ? environment(name) : undefined));
    return targetUrl?.reveal() ?? null;
  } catch (error) {
    problems.push(...problemsOf(error));
    return '';
  }
}

function chosen(
  { heldBack }: HeldBackReport,
  { only, problems }: { only: readonly string[] | undefined; problems: string[] },
): readonly HeldBack[] {
  if (only === undefined) return heldBack;
  const unknown = only.filter((name) => !heldBack.some((item) => itemName(item) === name));
  for (const name of unknown)
    problems.push(`--only must name an item that was held back, as --list shows it: got '${name}'`);
  return heldBack.filter((item) => only.includes(itemName(item)));
}
