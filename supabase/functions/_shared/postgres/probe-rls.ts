/**
 * Row level security as a project's users meet it: how many rows of each table the API's roles see. A backup records
 * the counts, a drill counts again in the restored database.
 */
import type { LeftOutProbe, RlsProbe } from '../domain/project-config.ts';
import { HoldfastError } from '../errors.ts';
import { becomeApiRole } from './become-api-role.ts';
import { qualifiedName } from './identifiers.ts';
import type { PgSession } from './session.ts';

const PROBE_TIMEOUT_MS = 2_000;
const ALL_PROBES_MS = 20_000;
/** Counting more rows takes longer than it tells. */
const MAX_ROWS = 100_000;
const MAX_TABLES = 200;

const QUERY_CANCELED = '57014';

export interface ProbedTable {
  readonly schema: string;
  readonly name: string;
  readonly estimatedRows: number;
}

type As = Pick<RlsProbe, 'role' | 'subject'>;

export interface ProbeResults {
  readonly probes: readonly RlsProbe[];
  readonly leftOut: readonly LeftOutProbe[];
}

/**
 * Counts as `anon`, then, if a subject is given, as `authenticated` with that `sub`. Call it in a transaction: every
 * probe is a savepoint that is rolled back, so role and settings are afterwards what they were. Takes 22 s at most.
 * Throws what ends the session; a refused count is a result.
 */
export async function probeRls(
  session: PgSession,
  { tables, subject }: { tables: readonly ProbedTable[]; subject: string | null },
): Promise<ProbeResults> {
  const { chosen, leftOut } = choose(tables);
  const probes: RlsProbe[] = [];
  const deadline = Date.now() + ALL_PROBES_MS;
  const identities: As[] = [{ role: 'anon', subject: null }];
  if (subject !== null) identities.push({ role: 'authenticated', subject });
  for (const as of identities) {
    for (const table of chosen) {
      const result = Date.now() < deadline ? await probe(session, table, as) : 'all probes together may take 20 s';
      if (typeof result !== 'string') probes.push(result);
      else leftOut.push({ table: labelOf(table), reason: `as ${as.role}: ${result}` });
    }
  }
  return { probes, leftOut };
}

const labelOf = ({ schema, name }: ProbedTable) => `${schema}.${name}`;

function choose(tables: readonly ProbedTable[]) {
  const leftOut: LeftOutProbe[] = [];
  const chosen: ProbedTable[] = [];
  for (const table of tables) {
    const leave = (reason: string) => leftOut.push({ table: labelOf(table), reason });
    if (table.estimatedRows >= MAX_ROWS) leave(`it has about ${table.estimatedRows} rows, ${MAX_ROWS} or more`);
    else if (chosen.length === MAX_TABLES) leave(`${MAX_TABLES} tables are probed at most`);
    else chosen.push(table);
  }
  return { chosen, leftOut };
}

/** One message to the server when it goes well. Returns the reason when the table is to be left out. */
async function probe(session: PgSession, table: ProbedTable, as: As): Promise<RlsProbe | string> {
  const facts = { ...as, table: labelOf(table) };
  try {
    const count = `select count(*) from ${qualifiedName(table)}`;
    const [row] = await session.query([ENTER, becomeApiRole(as), count, LEAVE].join('; '));
    return { ...facts, count: Number(row![0]), sqlstate: null };
  } catch (error) {
    await session.query(LEAVE); // on a session that has ended this throws, and so it should
    if (!(error instanceof HoldfastError) || typeof error.details.sqlState !== 'string') throw error;
    const sqlstate = error.details.sqlState;
    if (sqlstate === QUERY_CANCELED) return `counting took longer than ${PROBE_TIMEOUT_MS / 1000} s`;
    // What passes by itself says nothing about the policies.
    if (error.kind === 'transient') return `${error.message} (SQLSTATE ${sqlstate})`;
    return { ...facts, count: null, sqlstate };
  }
}

const ENTER = `savepoint holdfast_probe; set local statement_timeout = '${PROBE_TIMEOUT_MS}ms'`;
const LEAVE = 'rollback to savepoint holdfast_probe; release savepoint holdfast_probe';
