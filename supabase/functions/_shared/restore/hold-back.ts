/** Safe mode: what would act by itself is created switched off, or left out, and can be turned on item by item. Pure. */
import type { DumpEntry, HeldBack } from './contracts.ts';
import { isWord, nameAfter, nameAt, subjectOf } from './entry-subject.ts';
import { heldTriggers } from './hold-triggers.ts';
import { codeTokens, lexSql } from './sql-lexer.ts';

export interface HeldEntries {
  readonly entries: readonly DumpEntry[];
  readonly heldBack: readonly HeldBack[];
}

type Shared = 'publication' | 'subscription';

const REASONS: Readonly<Record<Shared, string>> = {
  publication: 'it would send changes to whoever listens',
  subscription: 'it would take changes from another server',
};

/** `preData`: where the functions are that triggers call. */
export function holdBack(entries: readonly DumpEntry[], preData: readonly DumpEntry[]): HeldEntries {
  const triggers = heldTriggers(preData);
  const heldBack: HeldBack[] = [];
  const shared = new Map<string, { kind: Shared; name: string; statements: string[] }>();
  const kept = entries.flatMap((entry) => {
    const of = sharedOf(entry);
    if (of) {
      const key = `${of.kind} ${of.name}`;
      const item = shared.get(key) ?? { ...of, statements: [] };
      item.statements.push(statementsOf(entry));
      shared.set(key, item);
      return [];
    }
    return entry.type === 'EVENT TRIGGER' ? [disabledEventTrigger(entry, heldBack)] : triggers.take(entry);
  });
  heldBack.push(...triggers.heldBack());
  for (const { kind, name, statements } of shared.values())
    heldBack.push({ kind, name, activateSql: statements.join('\n'), reason: REASONS[kind] });
  return { entries: kept, heldBack };
}

/** The publication or subscription that the entry makes, changes or comments. */
function sharedOf(entry: DumpEntry): { kind: Shared; name: string } | null {
  for (const kind of ['publication', 'subscription'] as const) {
    const word = kind.toUpperCase();
    if (entry.type.startsWith(word)) {
      const [name] = nameAfter(codeTokens(entry.sql), [word]);
      return { kind, name: name ?? subscriptionName(entry) };
    }
    const subject = subjectOf(entry);
    if (subject?.kind === kind) return { kind, name: subject.name };
  }
  return null;
}

/** Where the statement stands in a block for servers of all versions, the heading has the name. */
const subscriptionName = ({ name }: DumpEntry) => name;

function disabledEventTrigger(entry: DumpEntry, heldBack: HeldBack[]): DumpEntry {
  const tokens = codeTokens(entry.sql);
  const at = tokens.findIndex((token) => isWord(token, 'TRIGGER')) + 1;
  const [name] = nameAt(tokens, at);
  const written = tokens[at]?.text;
  const modes = /^ALTER EVENT TRIGGER \S.* (ENABLE ALWAYS|ENABLE REPLICA|ENABLE|DISABLE);$/gm;
  const mode = [...entry.sql.matchAll(modes)].at(-1)?.[1] ?? 'ENABLE';
  if (name === undefined || mode === 'DISABLE') return entry;
  heldBack.push({
    kind: 'event-trigger',
    name,
    activateSql: `ALTER EVENT TRIGGER ${written} ${mode};`,
    reason: 'it would act on every change of the schema',
  });
  return { ...entry, sql: `${entry.sql}\nALTER EVENT TRIGGER ${written} DISABLE;\n` };
}

/** Without heading. */
function statementsOf({ sql }: DumpEntry): string {
  const code = [...lexSql(sql)].filter(({ kind }) => kind !== 'comment').map(({ text }) => text);
  return code
    .join('')
    .trim()
    .replace(/\n{3,}/g, '\n\n');
}
