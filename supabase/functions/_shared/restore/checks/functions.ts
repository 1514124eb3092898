import type { Check, CheckContext } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { inRollback, inSavepoint } from './in-rollback.ts';
import { checkPlpgsql, findPlpgsqlCheck } from './plpgsql-check.ts';
import { queryReason, sqlStateOf } from './query-reason.ts';
import { schemaScope } from './relation-scope.ts';

export const functionsCheck: Check = {
  name: 'functions',
  proves:
    'Functions compile: SQL ones against the tables; PL/pgSQL ones are parsed, or wholly checked by plpgsql_check.',
  async run(context) {
    const findings = new Findings();
    const routines = await readRoutines(context);
    const compiled = routines.filter(({ language }) => language === 'sql' || language === 'plpgsql');
    await inRollback(context.session, async () => {
      await context.session.query(SETTINGS);
      for (const routine of compiled) await compile(context, routine, findings);
    });
    await lookDeeper(context, compiled, findings);
    noteOthers(routines, findings);
    return conclude(findings, `${compiled.length} functions compile`);
  },
};

export interface Routine {
  readonly oid: string;
  readonly label: string;
  readonly language: string;
  readonly definition: string;
}

/** A body without a search_path of its own was written for that of the database, not for the empty one of our sessions. */
const SETTINGS = 'set local check_function_bodies = on; set local search_path to default';

async function readRoutines(context: CheckContext): Promise<Routine[]> {
  const rows = await context.session.query(`
    select p.oid::text, n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
      l.lanname, case when l.lanname in ('sql', 'plpgsql') then pg_get_functiondef(p.oid) else '' end
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
    where p.prokind <> 'a' and ${schemaScope(context)}
      and not exists (select from pg_depend m
        where m.classid = 'pg_proc'::regclass and m.objid = p.oid and m.deptype = 'e')
    order by 2`);
  return rows.map(([oid, label, language, definition]) => ({
    oid: oid!,
    label: label!,
    language: language!,
    definition: definition!,
  }));
}

/** Not ours to replace, or the session was interrupted: that says nothing of the body. */
const SAYS_NOTHING = /^(42501|55|57|53|40)/;

async function compile({ session }: CheckContext, routine: Routine, findings: Findings): Promise<void> {
  try {
    await inSavepoint(session, () => session.query(routine.definition));
  } catch (error) {
    const reason = queryReason(error);
    if (SAYS_NOTHING.test(sqlStateOf(error)!))
      findings.unclear.push(`${routine.label} could not be compiled: ${reason}`);
    else findings.failed.push(`${routine.label} does not compile: ${reason}`);
  }
}

async function lookDeeper(context: CheckContext, routines: readonly Routine[], findings: Findings): Promise<void> {
  const plpgsql = routines.filter(({ language }) => language === 'plpgsql');
  if (plpgsql.length === 0) return;
  const schema = await findPlpgsqlCheck(context.session);
  if (schema !== null) await checkPlpgsql(context, { schema, routines: plpgsql, findings });
  else {
    const text = `${plpgsql.length} PL/pgSQL functions were parsed only: names in their queries were not looked up`;
    findings.notes.push(`${text}, because the extension plpgsql_check is not there`);
  }
}

function noteOthers(routines: readonly Routine[], findings: Findings): void {
  const others = routines.filter(({ language }) => language !== 'sql' && language !== 'plpgsql');
  const languages = [...new Set(others.map(({ language }) => language))].sort().join(', ');
  if (others.length > 0) findings.notes.push(`${others.length} functions in ${languages} were not compiled`);
}
