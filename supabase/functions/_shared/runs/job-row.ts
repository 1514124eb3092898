/** A job as the function that works on it sees it: one row of backup.job, held under a lease. */
export interface Job<Payload = Record<string, unknown>, Progress = Record<string, unknown>> {
  readonly id: string;
  readonly kind: string;
  readonly subject: string | null;
  readonly payload: Payload;
  /** What the last slice left; an empty object at first. */
  readonly progress: Progress;
  /** Slices begun since the last progress, this one included. */
  readonly attempts: number;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly leaseToken: string;
}

/** How a slice ended: the job goes on (at once, or after a wait), or it is done. A failure is thrown. */
export type JobOutcome =
  | { readonly state: 'again'; readonly progress: object; readonly afterSeconds?: number }
  | { readonly state: 'done'; readonly result: object };

/** What a slice may do to its own job while it works. */
export interface JobHold {
  readonly job: Job;
  /** Stores progress and renews the lease (`lease_seconds`, 75 by default). Throws LEASE_LOST. */
  save(progress: object): Promise<void>;
  /** Renews the lease alone. Throws LEASE_LOST. */
  extend(): Promise<void>;
}

/** One slice of a job. May run twice: a worker that dies leaves the progress of its last save. */
export type JobStep = (hold: JobHold) => Promise<JobOutcome>;
