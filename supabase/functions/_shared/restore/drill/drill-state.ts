/** What a drill's job carries from slice to slice: backup.job.progress. */
import type { CheckResult, HeldBack, RestoreReport } from '../contracts.ts';
import type { Pieces } from './compare-in-pieces.ts';

/** restore: into a scratch database. stored-bytes: without a private key nothing can be opened, so it is read and hashed. */
export type DrillMode = 'restore' | 'stored-bytes';

/** In this order; a drill of stored bytes ends after `verification`. */
export const DRILL_STAGES = [
  'verification',
  'database',
  'schema',
  'rows',
  'indexes, constraints, triggers and policies',
  'statistics',
  'checks',
  'report',
  'destruction',
] as const;
export type DrillStage = (typeof DRILL_STAGES)[number];

export interface DrillState {
  mode: DrillMode;
  stage: DrillStage;
  startedAt: string;
  slices: number;
  /** Of manifest.json in the first slice: another one later would make the drill one of two backups. */
  manifestSha256: string;
  /** Objects and stored bytes that were read and hashed. */
  verifiedObjects: number;
  verifiedBytes: number;
  damaged: { object: string; problem: string }[];
  /** Raw bytes of rows that came in. */
  restoredBytes: number;
  /** Tables analysed. */
  analyzed: number;
  /** Seconds of work by stage, and `rows <phase>`. */
  seconds: Record<string, number>;
  /** Seconds after the start at which they were over. */
  doneAfter: Record<string, number>;
  /** Entries that ran, by stage. */
  entries: Record<string, number>;
  checks: CheckResult[];
  /** Of the check `content`: tables that were looked at, and what was found in them. */
  comparedTables: number;
  compared: CheckResult[];
  /** Of the table that is compared in pieces now. */
  pieces: Pieces | null;
  heldBack: HeldBack[];
  notes: string[];
  /** Extensions that this server does not let a second database have. */
  withoutExtensions: string[];
  /** Roles of the backup that the server does not have: the drill's own stands for them. */
  missingRoles: string[];
  error: { code: string; message: string; hint: string } | null;
  /** Where the error came; null for one that no stage threw. */
  failedStage: DrillStage | null;
  report: RestoreReport | null;
}

export function newDrillState(mode: DrillMode, manifestSha256: string, startedAt: Date): DrillState {
  return {
    mode,
    stage: 'verification',
    startedAt: startedAt.toISOString(),
    slices: 0,
    manifestSha256,
    verifiedObjects: 0,
    verifiedBytes: 0,
    damaged: [],
    restoredBytes: 0,
    analyzed: 0,
    seconds: {},
    doneAfter: {},
    entries: {},
    checks: [],
    comparedTables: 0,
    compared: [],
    pieces: null,
    heldBack: [],
    notes: [],
    withoutExtensions: [],
    missingRoles: [],
    error: null,
    failedStage: null,
    report: null,
  };
}
