/**
 * One backup by worker calls that follow each other, each measured from outside its process. An isolate serves calls
 * until it is spent, as on the platform, or a single one.
 */
import getPort from 'get-port';
import type postgres from 'postgres';
import { type CallMeasure, type IsolateSpec, MeasuredIsolate } from './measured-isolate.ts';
import type { ProcessCpu } from './process-cpu.ts';
import type { TicketDesk } from './ticket-desk.ts';
import { type PeakMemory, watchMemory } from './watch-memory.ts';

export interface WorkerCall {
  /** The task it did; `waited` when it only put one back. */
  readonly kind: 'plan' | 'schema' | 'copy' | 'finish' | 'verify' | 'clean' | 'waited';
  readonly cpu: ProcessCpu;
  readonly wallMs: number;
  /** Rows' bytes before compression, of copied segments. */
  readonly rawBytes: number;
  readonly objects: number;
  /** The first call of its isolate. */
  readonly first: boolean;
}

export interface IsolateFacts {
  /** From the start of the process until it listens. */
  readonly boot: ProcessCpu;
  readonly calls: number;
  readonly peakResidentBytes: number;
  readonly peakMemory: PeakMemory | null;
}

export interface WorkerPass {
  readonly backupId: string;
  readonly calls: readonly WorkerCall[];
  readonly isolates: readonly IsolateFacts[];
}

export interface WorkerPassOptions {
  /** As role postgres. */
  readonly sql: postgres.Sql;
  readonly desk: TicketDesk;
  readonly spec: IsolateSpec;
  /** CPU of an isolate's calls after which it takes no new one; 0: one call each. */
  readonly spentAtCpuMs: number;
  /** Ask the isolate for its memory all the time, by the inspector; costs CPU. */
  readonly memory?: boolean;
}

/** Nothing came for so long: the minute's tick is due. */
const QUIET_MS = 700;
const LONGEST_PASS_MS = 6 * 60_000;

/** Throws when the run fails. Whoever calls it has set the parallelism to 1. */
export async function runWorkerPass(options: WorkerPassOptions): Promise<WorkerPass> {
  const { sql, desk } = options;
  const [started] = await sql`select public.create_manual_backup('bench', null) as id`;
  const backupId = started!.id as string;
  const crew = new Crew(options);
  const calls: Awaited<ReturnType<typeof measureCall>>[] = [];
  try {
    for (const until = Date.now() + LONGEST_PASS_MS; !(await ended(sql, backupId)); ) {
      if (Date.now() > until) throw new Error(`${backupId} did not end within ${LONGEST_PASS_MS} ms`);
      const ticket = await desk.next(QUIET_MS);
      if (ticket === null) await sql`select backup.tick()`;
      else calls.push(await measureCall(sql, crew, ticket));
    }
  } finally {
    await crew.dismiss();
  }
  return { backupId, calls: await withSizes(sql, backupId, calls), isolates: crew.facts };
}

async function ended(sql: postgres.Sql, backupId: string): Promise<boolean> {
  const [row] = await sql`
    select status, error, (select count(*)::int from backup.task t
      where t.backup_id = l.backup_id and t.state in ('pending', 'claimed')) as open
    from public.backup_log l where backup_id = ${backupId}`;
  if (row!.status === 'failed') throw new Error(`the measured backup failed: ${JSON.stringify(row!.error)}`);
  return row!.status !== 'in_progress' && row!.open === 0;
}

async function measureCall(sql: postgres.Sql, crew: Crew, ticket: string) {
  const { measure, worker, first, log } = await crew.call(ticket);
  if (measure.status !== 202) throw new Error(`the worker answered ${measure.status}:\n${log}`);
  const [task] = await sql`
    select id, kind from backup.task
    where worker = ${worker} and finished_at is not null and id > ${crew.lastTaskId} order by id desc limit 1`;
  if (task) crew.lastTaskId = Number(task.id);
  return {
    kind: (task?.kind ?? 'waited') as WorkerCall['kind'],
    taskId: task ? Number(task.id) : null,
    cpu: measure.cpu,
    wallMs: measure.wallMs,
    first,
  };
}

async function withSizes(
  sql: postgres.Sql,
  backupId: string,
  calls: Awaited<ReturnType<typeof measureCall>>[],
): Promise<WorkerCall[]> {
  const rows = await sql`
    select task_id, count(*)::int as objects, sum(raw_bytes)::float8 as raw_bytes
    from backup.segment where backup_id = ${backupId} and kind = 'segment' group by task_id`;
  const sizes = new Map(rows.map((row) => [Number(row.task_id), row]));
  return calls.map(({ taskId, ...call }) => {
    const size = taskId === null ? undefined : sizes.get(taskId);
    return { ...call, rawBytes: size?.raw_bytes ?? 0, objects: size?.objects ?? 0 };
  });
}

/** The isolates of a pass, one at a time. */
class Crew {
  readonly facts: IsolateFacts[] = [];
  lastTaskId = 0;
  readonly #options: WorkerPassOptions;
  #isolate: MeasuredIsolate | null = null;
  #watch: ReturnType<typeof watchMemory> | null = null;
  #worker = '';
  #boot: ProcessCpu = { allMs: 0, systemMs: 0, jsMs: 0 };
  #calls = 0;

  constructor(options: WorkerPassOptions) {
    this.#options = options;
  }

  async call(ticket: string): Promise<{ measure: CallMeasure; worker: string; first: boolean; log: string }> {
    const isolate = this.#isolate ?? (await this.#hire());
    const first = this.#calls === 0;
    this.#calls += 1;
    const measure = await isolate.call(ticket);
    const { log } = isolate;
    const worker = this.#worker;
    const spent = isolate.cpu.allMs - this.#boot.allMs;
    if (spent >= this.#options.spentAtCpuMs) await this.dismiss();
    return { measure, worker, first, log };
  }

  async dismiss(): Promise<void> {
    const isolate = this.#isolate;
    if (!isolate) return;
    this.#isolate = null;
    const { peakResidentBytes } = isolate;
    const peakMemory = (await this.#watch?.stop()) ?? null;
    await isolate.end();
    this.facts.push({ boot: this.#boot, calls: this.#calls, peakResidentBytes, peakMemory });
  }

  async #hire(): Promise<MeasuredIsolate> {
    const { spec, memory } = this.#options;
    this.#worker = crypto.randomUUID();
    const port = memory ? await getPort({ host: '127.0.0.1' }) : 0;
    const inspect = memory ? [`--inspect=127.0.0.1:${port}`] : [];
    const isolate = await MeasuredIsolate.boot({
      ...spec,
      env: { ...spec.env, SB_EXECUTION_ID: this.#worker },
      denoFlags: [...(spec.denoFlags ?? []), ...inspect],
    });
    this.#isolate = isolate;
    this.#watch = memory ? watchMemory({ port, denoDir: spec.denoDir }) : null;
    this.#boot = isolate.cpu;
    this.#calls = 0;
    return isolate;
  }
}
