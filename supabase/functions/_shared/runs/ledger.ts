/**
 * The worker's side of the queue: every method is one statement, and every change shows the task's lease token, so a
 * worker that outlived its lease changes nothing (LEASE_LOST). The rules themselves are in supabase/migrations.
 */
import type { JSONValue, Sql } from 'postgres';
import { ERRORS, type HoldfastError } from '../errors.ts';
import type { NextTask, RunPatch, RunRow, StoredSegment, Task } from './run-row.ts';

const LEASE_LOST = 'HF001';

export class Ledger {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async redeemTicket(token: string): Promise<boolean> {
    const [row] = await this.#sql`select backup.redeem_ticket(${token}) as ok`;
    return row?.ok === true;
  }

  /** Tickets for workers that may be called now; empty when there is no work or no room. */
  async issueTickets(): Promise<string[]> {
    const rows = await this.#sql`select ticket from backup.issue_tickets() as ticket`;
    return rows.map((row) => row.ticket as string);
  }

  /** Milliseconds until the earliest pending task is due, 0 when it is; null when none is pending or all places are taken. */
  async nextTaskDueInMs(): Promise<number | null> {
    const [row] = await this.#sql`select backup.next_task_due_in_ms()::float8 as ms`;
    return (row?.ms as number | null) ?? null;
  }

  async claimTask(worker: string): Promise<Task | null> {
    const [row] = await this.#sql`select * from backup.claim_task(${worker})`;
    if (!row) return null;
    return {
      id: Number(row.id),
      backupId: row.backup_id,
      kind: row.kind,
      payload: row.payload,
      verificationId: row.verification_id,
      attempts: row.attempts,
      leaseToken: row.lease_token,
    };
  }

  async extendLease(task: Task): Promise<void> {
    const [row] = await this.#sql`select backup.extend_lease(${task.id}, ${task.leaseToken}) as ok`;
    if (row?.ok !== true) throw leaseLost(task);
  }

  async deferTask(task: Task, seconds: number): Promise<void> {
    await this.#held(task, this.#sql`select backup.defer_task(${task.id}, ${task.leaseToken}, ${seconds})`);
  }

  async failTask(task: Task, error: HoldfastError): Promise<void> {
    const facts = this.#json(error.toJSON());
    await this.#held(task, this.#sql`select backup.fail_task(${task.id}, ${task.leaseToken}, ${facts})`);
  }

  async savePlan(task: Task, tables: PlannedTableRow[]): Promise<void> {
    const rows = this.#json(tables);
    await this.#held(task, this.#sql`select backup.save_plan(${task.id}, ${task.leaseToken}, ${rows})`);
  }

  async finishTask(
    task: Task,
    done: { objects?: StoredSegment[]; next?: NextTask[]; run?: RunPatch; result?: object },
  ) {
    const statement = this.#sql`select backup.finish_task(
      ${task.id}, ${task.leaseToken}, ${this.#json((done.objects ?? []).map(toRow))}, ${this.#json(done.next ?? [])},
      ${this.#json(runPatch(done.run ?? {}))}, ${this.#json(done.result ?? {})})`;
    await this.#held(task, statement);
  }

  async completeRun(task: Task, done: { objects: StoredSegment[]; totals: object; verify: object[] }): Promise<void> {
    const statement = this.#sql`select backup.complete_run(
      ${task.id}, ${task.leaseToken}, ${this.#json(done.objects.map(toRow))}, ${this.#json(done.totals)},
      ${this.#json(done.verify)})`;
    await this.#held(task, statement);
  }

  async finishVerifyTask(task: Task, result: object): Promise<void> {
    const facts = this.#json(result);
    await this.#held(task, this.#sql`select backup.finish_verify_task(${task.id}, ${task.leaseToken}, ${facts})`);
  }

  /** False where pg_cron is not installed. Idempotent. */
  async startKeeper(backupId: string): Promise<boolean> {
    const [row] = await this.#sql`select backup.start_keeper(${backupId}) as ok`;
    return row?.ok === true;
  }

  async keeperSnapshot(backupId: string): Promise<string | null> {
    const [row] = await this.#sql`select backup.keeper_snapshot(${backupId}) as name`;
    return (row?.name as string | null) ?? null;
  }

  async readRun(backupId: string): Promise<RunRow> {
    const [row] = await this.#sql`select * from public.backup_log where backup_id = ${backupId}`;
    if (!row) throw ERRORS.NOT_FOUND(`there is no backup ${backupId}`);
    return {
      backupId: row.backup_id,
      cadence: row.backup_type,
      startedAt: row.started_at,
      status: row.status,
      stage: row.stage,
      request: row.request,
      reason: row.reason,
      label: row.label,
      folder: row.folder,
      way: row.way,
      consistency: row.consistency,
      catalog: row.catalog,
      limits: row.limits,
      manifestSha256: row.manifest_sha256,
    };
  }

  /** Facts of planned tables, as savePlan stored them, in plan order: of all, or of those that a task is about. */
  async readPlan(backupId: string, only?: readonly { schema: string; name: string }[]): Promise<PlannedTableRow[]> {
    const asked = only
      ? this.#sql`and (schema_name, table_name) in (
          select * from unnest(${only.map(({ schema }) => schema)}::text[], ${only.map(({ name }) => name)}::text[]))`
      : this.#sql``;
    const rows = await this.#sql`
      select schema_name, table_name, estimated_bytes, estimated_rows, slices, facts
      from backup.run_table where backup_id = ${backupId} ${asked}
      order by schema_name collate "C", table_name collate "C"`;
    return rows as unknown as PlannedTableRow[];
  }

  async readSegments(backupId: string): Promise<StoredSegment[]> {
    const rows = await this.#sql`
      select path, kind, schema_name, table_name, part, row_count, raw_bytes, stored_bytes, sha256, store_sha256, facts
      from backup.segment where backup_id = ${backupId}
      order by schema_name collate "C", table_name collate "C", part collate "C", path collate "C"`;
    return rows.map((row) => ({
      path: row.path,
      kind: row.kind,
      schemaName: row.schema_name,
      tableName: row.table_name,
      part: row.part,
      rowCount: row.row_count === null ? null : Number(row.row_count),
      rawBytes: Number(row.raw_bytes),
      storedBytes: Number(row.stored_bytes),
      sha256: row.sha256,
      storeSha256: row.store_sha256,
      facts: row.facts,
    }));
  }

  /** The owner's critical tables with their tiers, in restore order. */
  async readTiers(): Promise<{ schema: string; name: string; tier: number; tierName: string }[]> {
    const rows = await this.#sql`
      select schema_name, table_name, tier, tier_name from backup.table_tier order by tier, schema_name, table_name`;
    return rows.map((row) => ({
      schema: row.schema_name,
      name: row.table_name,
      tier: row.tier,
      tierName: row.tier_name,
    }));
  }

  #json(value: unknown) {
    return this.#sql.json(value as JSONValue);
  }

  async #held(task: Task, statement: PromiseLike<unknown>): Promise<void> {
    try {
      await statement;
    } catch (error) {
      if ((error as { code?: string }).code === LEASE_LOST) throw leaseLost(task, error);
      throw error;
    }
  }
}

export interface PlannedTableRow {
  readonly schema_name: string;
  readonly table_name: string;
  readonly estimated_bytes: number;
  readonly estimated_rows: number;
  readonly slices: number;
  readonly facts: Record<string, unknown>;
}

function leaseLost(task: Task, cause?: unknown): HoldfastError {
  return ERRORS.LEASE_LOST(`the lease of ${task.kind} task ${task.id} is lost`, { cause });
}

function toRow(object: StoredSegment) {
  return {
    path: object.path,
    kind: object.kind,
    schema_name: object.schemaName,
    table_name: object.tableName,
    part: object.part,
    row_count: object.rowCount,
    raw_bytes: object.rawBytes,
    stored_bytes: object.storedBytes,
    sha256: object.sha256,
    store_sha256: object.storeSha256,
    facts: object.facts,
  };
}

function runPatch(run: RunPatch) {
  return {
    stage: run.stage,
    folder: run.folder,
    way: run.way,
    location: run.location,
    consistency: run.consistency,
    catalog: run.catalog,
    limits: run.limits,
    table_count: run.tableCount,
    estimated_bytes: run.estimatedBytes,
  };
}
