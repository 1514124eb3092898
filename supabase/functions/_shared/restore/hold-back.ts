/** Safe mode: what would act by itself is created switched off, or left out, and can be turned on item by item. Pure. */
import type { DumpEntry, HeldBack } from './contracts.ts';
import { identifierOf, lexSql } from './sql-lexer.ts';
import { headingName, IDENTIFIER } from './sql-names.ts';

export interface HeldEntries {
  readonly entries: readonly DumpEntry[];
  readonly heldBack: readonly HeldBack[];
}

/** Calls that leave the database. */
const OUTWARD = /\b(?:net\s*\.\s*"?http_|http_request\b|http_post\b|http_get\b|dblink\w*\s*\()/i;
const TRIGGER = new RegExp(
  `CREATE (?:CONSTRAINT )?TRIGGER (${IDENTIFIER}) .*? ON ((?:${IDENTIFIER}\\.)?${IDENTIFIER}) .*EXECUTE (?:FUNCTION|PROCEDURE) ((?:${IDENTIFIER}\\.)?${IDENTIFIER})\\(`,
  'is',
);
const MODE = /ENABLE (ALWAYS|REPLICA) TRIGGER|DISABLE TRIGGER/i;

/** `preData`: where the functions are that triggers call. */
export function holdBack(entries: readonly DumpEntry[], preData: readonly DumpEntry[]): HeldEntries {
  const outward = outwardFunctions(preData);
  const publications = new Map<string, string[]>();
  const heldBack: HeldBack[] = [];
  const kept = entries.flatMap((entry) => {
    if (entry.type.startsWith('PUBLICATION')) {
      const name = publicationOf(entry);
      publications.set(name, [...(publications.get(name) ?? []), statementOf(entry)]);
      return [];
    }
    if (entry.type === 'SUBSCRIPTION') {
      heldBack.push(subscription(entry));
      return [];
    }
    if (entry.type === 'EVENT TRIGGER') return [disabledEventTrigger(entry, heldBack)];
    return entry.type === 'TRIGGER' ? [disabledTrigger(entry, outward, heldBack)] : [entry];
  });
  for (const [name, statements] of publications) {
    heldBack.push({
      kind: 'publication',
      name,
      activateSql: statements.join('\n'),
      reason: 'it would send changes to whoever listens',
    });
  }
  return { entries: kept, heldBack };
}

/** Names of functions, as the dump writes them, whose body calls something outside. */
function outwardFunctions(preData: readonly DumpEntry[]): ReadonlySet<string> {
  const names = preData
    .filter(({ type, sql }) => (type === 'FUNCTION' || type === 'PROCEDURE') && OUTWARD.test(sql))
    .map(
      ({ sql }) => new RegExp(`CREATE (?:FUNCTION|PROCEDURE) ((?:${IDENTIFIER}\\.)?${IDENTIFIER})\\(`).exec(sql)?.[1],
    );
  return new Set(names.filter((name) => name !== undefined));
}

function disabledTrigger(entry: DumpEntry, outward: ReadonlySet<string>, heldBack: HeldBack[]): DumpEntry {
  const [definition, trigger, table, called] = TRIGGER.exec(entry.sql) ?? [];
  if (!definition || !(outward.has(called!) || OUTWARD.test(`${called}(`))) return entry;
  const mode = MODE.exec(entry.sql);
  if (mode && /^DISABLE/i.test(mode[0])) return entry;
  heldBack.push({
    kind: 'trigger',
    name: `${plain(trigger!)} on ${table!.split('.').map(plain).join('.')}`,
    activateSql: `ALTER TABLE ${table} ENABLE ${mode?.[1] ? `${mode[1]} ` : ''}TRIGGER ${trigger};`,
    reason: `it calls ${called}, which reaches out of the database`,
  });
  return { ...entry, sql: `${entry.sql}\nALTER TABLE ${table} DISABLE TRIGGER ${trigger};\n` };
}

function disabledEventTrigger(entry: DumpEntry, heldBack: HeldBack[]): DumpEntry {
  const [, name] = new RegExp(`CREATE EVENT TRIGGER (${IDENTIFIER})`).exec(entry.sql) ?? [];
  const [, mode] = /ALTER EVENT TRIGGER .* (ENABLE ALWAYS|ENABLE REPLICA|DISABLE);/.exec(entry.sql) ?? [];
  if (!name || mode === 'DISABLE') return entry;
  heldBack.push({
    kind: 'event-trigger',
    name: plain(name),
    activateSql: `ALTER EVENT TRIGGER ${name} ${mode ?? 'ENABLE'};`,
    reason: 'it would act on every change of the schema',
  });
  return { ...entry, sql: `${entry.sql}\nALTER EVENT TRIGGER ${name} DISABLE;\n` };
}

function subscription(entry: DumpEntry): HeldBack {
  return {
    kind: 'subscription',
    name: entry.name,
    activateSql: statementOf(entry),
    reason: 'it would take changes from another server',
  };
}

/** `name` or `name table`; the statement has it exactly. */
function publicationOf({ name, sql }: DumpEntry): string {
  const [, found] = new RegExp(`(?:CREATE|ALTER) PUBLICATION (${IDENTIFIER})`).exec(sql) ?? [];
  return found ? plain(found) : headingName(name);
}

/** Without heading and empty lines. */
function statementOf({ sql }: DumpEntry): string {
  const text = [...lexSql(sql)]
    .filter(({ kind }) => kind !== 'comment')
    .map((token) => token.text)
    .join('');
  return text.trim();
}

function plain(name: string): string {
  const [token] = [...lexSql(name)];
  return token ? identifierOf(token) : name;
}
