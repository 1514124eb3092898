/** Roles, settings and jobs that a backup describes besides its tables; only a restore of the whole brings them. */
import type { PgSession } from '../postgres/session.ts';
import type { Archive, HeldBack, RestoreOptions, TargetFacts } from './contracts.ts';
import { planConfig, readConfigOf } from './restore-config.ts';
import type { RestoreMarks } from './restore-marks.ts';

export interface PreparedConfig {
  /** Roles and their settings, before anything refers to them. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly heldBack: readonly HeldBack[];
  readonly differences: readonly string[];
}

const NOTHING: PreparedConfig = { before: [], after: [], heldBack: [], differences: [] };

/** Throws what reading the archive throws. */
export async function prepareConfig(
  archive: Archive,
  { options, target }: { options: RestoreOptions; target: TargetFacts },
): Promise<PreparedConfig> {
  const { tables, schemas, renameSchema, only } = options;
  if (tables || schemas || renameSchema || only === 'data') return NOTHING;
  const config = await readConfigOf(archive);
  if (config === null) return NOTHING;
  const { roleSql, afterSql, heldBack, differences } = planConfig(config, { target, activate: options.activate });
  return { before: roleSql, after: afterSql, heldBack, differences };
}

/** The statements in one transaction with their mark. Throws what the server answers. */
export async function applyConfig(
  session: PgSession,
  statements: readonly string[],
  { marks, step }: { marks: RestoreMarks; step: string },
): Promise<void> {
  if (marks.done(step)) return;
  const end = `${marks.markSql(step)};\ncommit`;
  try {
    await session.query(['begin', ...statements, end].join(';\n'));
  } catch (error) {
    await session.query('rollback').catch(() => undefined); // a lost connection has rolled back already
    throw error;
  }
  marks.noted(step);
}
