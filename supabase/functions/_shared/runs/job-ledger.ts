/** The worker's side of backup.job: every method is one statement that shows the lease token (LEASE_LOST when it is over). */
import type { JSONValue, Sql } from 'postgres';
import { ERRORS, type HoldfastError } from '../errors.ts';
import type { Job, JobHold } from './job-row.ts';

const LEASE_LOST = 'HF001';

export class JobLedger {
  readonly #sql: Sql;
  readonly #functionName: string;

  constructor(sql: Sql, functionName: string) {
    this.#sql = sql;
    this.#functionName = functionName;
  }

  async redeemTicket(token: string): Promise<boolean> {
    const [row] = await this.#sql`select backup.redeem_job_ticket(${token}, ${this.#functionName}) as ok`;
    return row?.ok === true;
  }

  /** Tickets for calls of this function that may be made now; empty when there is no work or no room. */
  async issueTickets(): Promise<string[]> {
    const rows = await this.#sql`select ticket from backup.issue_job_tickets(${this.#functionName}) as ticket`;
    return rows.map((row) => row.ticket as string);
  }

  /** Milliseconds until the earliest pending job is due, 0 when it is; null when none is pending or all places are taken. */
  async nextDueInMs(): Promise<number | null> {
    const [row] = await this.#sql`select backup.next_job_due_in_ms(${this.#functionName})::float8 as ms`;
    return (row?.ms as number | null) ?? null;
  }

  async claim(worker: string): Promise<Job | null> {
    const [row] = await this.#sql`select * from backup.claim_job(${this.#functionName}, ${worker})`;
    if (!row) return null;
    return {
      id: row.id,
      kind: row.kind,
      subject: row.subject,
      payload: row.payload,
      progress: row.progress,
      attempts: row.attempts,
      createdBy: row.created_by,
      createdAt: row.created_at,
      leaseToken: row.lease_token,
    };
  }

  hold(job: Job): JobHold {
    return {
      job,
      save: (progress) =>
        this.#held(job, this.#sql`select backup.save_job(${job.id}, ${job.leaseToken}, ${this.#json(progress)})`),
      extend: async () => {
        const [row] = await this.#sql`select backup.extend_job(${job.id}, ${job.leaseToken}) as ok`;
        if (row?.ok !== true) throw leaseLost(job);
      },
    };
  }

  async continue(job: Job, progress: object, afterSeconds: number): Promise<void> {
    await this.#held(
      job,
      this.#sql`select backup.continue_job(${job.id}, ${job.leaseToken}, ${this.#json(progress)}, ${afterSeconds})`,
    );
  }

  async finish(job: Job, result: object): Promise<void> {
    await this.#held(job, this.#sql`select backup.finish_job(${job.id}, ${job.leaseToken}, ${this.#json(result)})`);
  }

  async fail(job: Job, error: HoldfastError): Promise<void> {
    const facts = this.#json(error.toJSON());
    await this.#held(job, this.#sql`select backup.fail_job(${job.id}, ${job.leaseToken}, ${facts})`);
  }

  #json(value: unknown) {
    return this.#sql.json(value as JSONValue);
  }

  async #held(job: Job, statement: PromiseLike<unknown>): Promise<void> {
    try {
      await statement;
    } catch (error) {
      if ((error as { code?: string }).code === LEASE_LOST) throw leaseLost(job, error);
      throw error;
    }
  }
}

function leaseLost(job: Job, cause?: unknown): HoldfastError {
  return ERRORS.LEASE_LOST(`the lease of ${job.kind} job ${job.id} is lost`, { cause });
}
