/** Triggers that reach out of the database are created and disabled, or, on the platform's tables, not created. Pure. */
import type { DumpEntry, HeldBack } from './contracts.ts';
import { isWord, nameAt } from './entry-subject.ts';
import { outwardFunctions } from './outward-functions.ts';
import { additionStatement } from './platform-additions.ts';
import { codeTokens, type SqlToken } from './sql-lexer.ts';

export interface HeldTriggers {
  /** The entry as it is to run in safe mode: as it is, with the trigger disabled behind it, or not at all. */
  take(entry: DumpEntry): DumpEntry[];
  heldBack(): HeldBack[];
}

interface Trigger {
  readonly name: string;
  /** As the statement writes them. */
  readonly trigger: string;
  readonly table: string;
  /** For people. */
  readonly tableName: string;
  readonly called: readonly string[];
}

interface Item {
  readonly name: string;
  readonly reason: string;
  readonly statements: string[];
}

const MODE = /^ALTER TABLE .* (ENABLE ALWAYS|ENABLE REPLICA|ENABLE|DISABLE) TRIGGER /gm;

/** `preData`: where the functions are that triggers call. */
export function heldTriggers(preData: readonly DumpEntry[]): HeldTriggers {
  const outward = outwardFunctions(preData);
  const items: Item[] = [];
  /** By the trigger's name: what a partition's own setting of it belongs to. */
  const held = new Map<string, { item: Item | null; reason: string }>();

  const hold = (name: string, reason: string, statement: string): Item => {
    const item = { name, reason, statements: [statement] };
    items.push(item);
    return item;
  };

  function created(entry: DumpEntry, found: Trigger): DumpEntry[] {
    if (!outward.has(found.called)) return [entry];
    const reason = `it calls ${found.called.join('.')}, which reaches out of the database`;
    const name = `${found.name} on ${found.tableName}`;
    const mode = [...entry.sql.matchAll(MODE)].at(-1)?.[1] ?? 'ENABLE';
    const item =
      mode === 'DISABLE' ? null : hold(name, reason, `ALTER TABLE ${found.table} ${mode} TRIGGER ${found.trigger};`);
    held.set(found.name, { item, reason });
    if (item === null) return [entry];
    return [{ ...entry, sql: `${entry.sql}\nALTER TABLE ${found.table} DISABLE TRIGGER ${found.trigger};\n` }];
  }

  /** A partition where the trigger of its parent is on or off otherwise: turning on the parent's sets all alike. */
  function altered(entry: DumpEntry): DumpEntry[] {
    const tokens = codeTokens(entry.sql);
    const [name = ''] = nameAt(tokens, tokens.findIndex((token) => isWord(token, 'TRIGGER')) + 1);
    const parent = held.get(name);
    if (!parent) return [entry];
    const statement = textBetween(entry.sql, tokens, 0, tokens.length - 1);
    if (parent.item) parent.item.statements.push(statement);
    else if (!/ DISABLE TRIGGER /.test(statement))
      hold(`${name} on ${entry.schema}.${tableOf(entry, name)}`, parent.reason, statement);
    else return [entry];
    return [];
  }

  /** Only the owner of a table may disable its triggers, and these tables are the platform's. */
  function added(entry: DumpEntry): DumpEntry[] {
    const statement = additionStatement(entry.sql);
    const found = statement === null ? null : triggerOf(statement);
    if (!found || !outward.has(found.called)) return [entry];
    hold(
      `${found.name} on ${found.tableName}`,
      `it calls ${found.called.join('.')}, which reaches out of the database`,
      entry.sql.trim(),
    );
    return [];
  }

  return {
    take(entry) {
      if (entry.type === 'PLATFORM') return added(entry);
      if (entry.type !== 'TRIGGER') return [entry];
      const found = triggerOf(entry.sql);
      return found ? created(entry, found) : altered(entry);
    },
    heldBack: () =>
      items.map(({ name, reason, statements }) => ({
        kind: 'trigger',
        name,
        activateSql: statements.join('\n'),
        reason,
      })),
  };
}

/** What a CREATE TRIGGER says; null for other SQL. */
function triggerOf(sql: string): Trigger | null {
  const tokens = codeTokens(sql);
  if (!isWord(tokens[0], 'CREATE')) return null;
  const at = (word: string, from: number) => tokens.findIndex((token, index) => index > from && isWord(token, word));
  const trigger = at('TRIGGER', 0);
  const on = at('ON', trigger);
  const call = at('EXECUTE', on);
  if (trigger < 0 || on < 0 || call < 0) return null;
  const tableParts = nameAt(tokens, on + 1);
  return {
    name: nameAt(tokens, trigger + 1)[0] ?? '',
    trigger: tokens[trigger + 1]!.text,
    table: textBetween(sql, tokens, on + 1, on + 2 * tableParts.length - 1),
    tableName: tableParts.join('.'),
    called: nameAt(tokens, call + 2),
  };
}

function textBetween(sql: string, tokens: readonly SqlToken[], first: number, last: number): string {
  const end = tokens[last]!;
  return sql.slice(tokens[first]!.start, end.start + end.text.length);
}

/** Headings say `table trigger`. */
function tableOf({ name }: DumpEntry, trigger: string): string {
  return name.endsWith(` ${trigger}`) ? name.slice(0, -trigger.length - 1) : name;
}
