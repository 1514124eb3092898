import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { CheckContext, HeldBack } from '../contracts.ts';
import { archivedEntries } from './archived-entries.ts';
import type { Findings } from './conclude.ts';
import { relationScope } from './relation-scope.ts';

/** As pg_trigger.tgenabled has it. */
type TriggerState = 'O' | 'D' | 'R' | 'A';

interface Trigger {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly state: TriggerState;
}

const WORDS: Record<TriggerState, string> = {
  O: 'enabled',
  D: 'disabled',
  R: 'enabled on replicas only',
  A: 'always enabled',
};

/** Compares each trigger with the backup's DDL and with what safe mode left off; returns how many triggers there are. */
export async function checkTriggers(context: CheckContext, findings: Findings): Promise<number> {
  const { entries, missing } = await archivedEntries(context);
  const triggers = await readTriggers(context);
  const found = new Set(triggers.map(keyOf));
  const wanted = new Map<string, TriggerState>();
  for (const { type, schema, name, sql } of entries) {
    if (type !== 'TRIGGER') continue;
    wanted.set(`${schema}.${name}`, wantedState(sql));
    if (found.has(`${schema}.${name}`)) continue;
    if (isHeldBack(context.heldBack, name)) findings.notes.push(`trigger ${name} of schema ${schema} is held back`);
    else findings.failed.push(`trigger ${name} of schema ${schema} is in the backup and not in the database`);
  }
  for (const trigger of triggers) judge(trigger, { context, wanted: wanted.get(keyOf(trigger)), missing, findings });
  return triggers.length;
}

const keyOf = ({ schema, table, name }: Trigger) => `${schema}.${table} ${name}`;
const labelOf = ({ schema, table, name }: Trigger) => `trigger ${name} of ${schema}.${table}`;

function judge(
  trigger: Trigger,
  by: { context: CheckContext; wanted: TriggerState | undefined; missing: string | null; findings: Findings },
): void {
  const { findings, wanted } = by;
  if (trigger.state === (wanted ?? 'O')) return;
  const label = labelOf(trigger);
  if (trigger.state === 'D' && isHeldBack(by.context.heldBack, `${trigger.table} ${trigger.name}`)) {
    findings.notes.push(`${label} is held back by safe mode`);
  } else if (wanted !== undefined) {
    findings.failed.push(`${label} is ${WORDS[trigger.state]}, in the backup it is ${WORDS[wanted]}`);
  } else if (trigger.state === 'D') {
    findings.unclear.push(`${label} is disabled; ${by.missing ?? 'the backup does not have it'}`);
  }
}

/** pg_dump writes a state other than enabled as a statement behind the trigger's own. */
function wantedState(sql: string): TriggerState {
  const [, verb] = /^ALTER TABLE .* (DISABLE|ENABLE ALWAYS|ENABLE REPLICA) TRIGGER /m.exec(sql) ?? [];
  if (verb === undefined) return 'O';
  return verb === 'DISABLE' ? 'D' : verb === 'ENABLE ALWAYS' ? 'A' : 'R';
}

/** `name`: table and trigger with a space between. The SQL that turns it on names both, quoted or not. */
function isHeldBack(heldBack: readonly HeldBack[] | undefined, name: string): boolean {
  return (heldBack ?? []).some(({ kind, activateSql }) => {
    const [, table, trigger] = ACTIVATE.exec(activateSql) ?? [];
    return kind === 'trigger' && table !== undefined && `${bare(table)} ${bare(trigger!)}` === name;
  });
}

const IDENTIFIER = '"(?:[^"]|"")+"|[^\\s."]+';
const ACTIVATE = new RegExp(
  `alter table (?:only )?(?:(?:${IDENTIFIER})\\.)?(${IDENTIFIER}) enable (?:always |replica )?trigger (${IDENTIFIER}?)(?=;|\\s|$)`,
  'i',
);

/** Without its quotes. */
function bare(identifier: string): string {
  const inner = identifier.slice(1, -1).replaceAll('""', '"');
  return quoteIdentifier(inner) === identifier ? inner : identifier;
}

async function readTriggers(context: CheckContext): Promise<Trigger[]> {
  const rows = await context.session.query(`
    select n.nspname, c.relname, t.tgname, t.tgenabled
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgparentid = 0 and ${relationScope(context)}
    order by 1, 2, 3`);
  return rows.map(([schema, table, name, state]) => ({
    schema: schema!,
    table: table!,
    name: name!,
    state: state as TriggerState,
  }));
}
