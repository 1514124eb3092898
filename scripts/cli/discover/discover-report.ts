/** What was found, for people. */
import type { Discovery } from '../../../supabase/functions/_shared/account/discover/discover-subjects.ts';
import type { SubjectProposal } from '../../../supabase/functions/_shared/account/discover/proposal.ts';
import { countWords } from '../../../supabase/functions/_shared/domain/count-words.ts';
import type { SubjectPath, SubjectTable } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { plainTable } from '../plain-table.ts';
import { line, type Terminal } from '../terminal.ts';

export interface DiscoveryOutcome {
  /** As it was before anything was written. */
  readonly found: Discovery;
  /** Null: nothing was to be written. */
  readonly written: readonly SubjectTable[] | null;
  /** Tables that still need a decision. */
  readonly open: readonly SubjectTable[];
}

const labelOf = ({ schema, table }: SubjectTable) => `${schema}.${table}`;

/** `order_id -> public.orders; user_id -> auth.users`; an address says so. */
export function pathWords(path: SubjectPath): string {
  return path
    .map(({ columns, to, key }) => `${columns.join(', ')}${key === undefined ? '' : ` ->> ${key}`} -> ${end(to)}`)
    .join('; ');
}

function end({ schema, table, columns }: SubjectPath[number]['to']): string {
  const address = schema === 'auth' && table === 'users' && columns[0] !== 'id';
  return `${schema}.${table}${address ? ` (${columns.join(', ')})` : ''}`;
}

export function showDiscovery({ found, written, open }: DiscoveryOutcome, { stdout }: Terminal): void {
  if (found.proposals.length > 0) showProposals(found.proposals, stdout);
  if (found.undecided.length > 0) {
    line(stdout, `\nNot decided, because names and keys do not say enough:`);
    for (const { why, candidates, ...table } of found.undecided) {
      line(stdout, `  ${labelOf(table)}: ${why}`);
      for (const path of candidates) line(stdout, `    possible: ${pathWords(path)}`);
    }
  }
  if (found.nothingFound.length > 0) {
    line(stdout, `\nNothing points to a user in: ${found.nothingFound.map(labelOf).join(', ')}`);
  }
  line(stdout, `\n${countWords(found.decided.length, 'table')} decided before; nothing about them was changed.`);
  if (written === null) line(stdout, dryWords(found.proposals.length));
  else line(stdout, `${countWords(written.length, 'table')} mapped now. Look through the rules of their columns.`);
  if (open.length > 0) line(stdout, `Open: ${open.map(labelOf).join(', ')}`);
}

const dryWords = (count: number) =>
  count === 0 ? 'Nothing to write.' : `${countWords(count, 'proposal')}; nothing was written. --apply writes them.`;

function showProposals(proposals: readonly SubjectProposal[], stdout: Terminal['stdout']): void {
  const table = plainTable(
    ['table', 'category', 'confidence', 'whose rows', 'why'],
    ['left', 'left', 'left', 'left', 'left'],
  );
  for (const one of proposals) {
    const paths = one.paths.map(pathWords).join('\nor ');
    table.push([labelOf(one), one.category, one.confidence, paths, one.reasons.join('\n')]);
  }
  line(stdout, table.toString());
  const rules = proposals.flatMap((one) => one.columns.map((column) => ({ table: labelOf(one), ...column })));
  if (rules.length > 0) line(stdout, '\nColumns that tell of other people:');
  for (const { table: name, column, rule, unlessOwn, reason } of rules) {
    line(
      stdout,
      `  ${name}.${column}: ${rule}${unlessOwn === null ? '' : `, unless ${unlessOwn} is the user`} (${reason})`,
    );
  }
}
