/** The DDL of a drill, without what a scratch database on somebody's server must not or cannot have. */
import { isReservedRole } from '../../domain/reserved-roles.ts';
import type { DumpEntry, HeldBack } from '../contracts.ts';
import { ddlSections } from '../ddl-sections.ts';
import { prepareDdl } from '../prepare-ddl.ts';
import { planConfig, readConfigOf } from '../restore-config.ts';
import { isOfExtension } from '../split-extensions.ts';
import { withoutMissingRoles } from './map-roles.ts';
import { DRILL_OPTIONS, type RestoreContext } from './restore-context.ts';

export interface DrillDdl {
  readonly preData: readonly DumpEntry[];
  readonly sequences: readonly DumpEntry[];
  readonly postData: readonly DumpEntry[];
  /** Settings of the database itself. */
  readonly settings: readonly string[];
  readonly heldBack: readonly HeldBack[];
  readonly notes: readonly string[];
  /** Roles of the backup that the server does not have. */
  readonly missingRoles: readonly string[];
}

/**
 * Of `pre-data`, or of what comes after the rows. Both parts know what the configuration holds back; its notes come with
 * pre-data. Throws what reading the archive throws.
 */
export async function readDrillDdl(context: RestoreContext, part: 'pre-data' | 'after'): Promise<DrillDdl> {
  const { slice, plan, target } = context;
  const { archive } = slice;
  const before = part === 'pre-data';
  const { schemaSections: has } = plan;
  const schemaSections = {
    preData: before && has.preData,
    sequences: !before && has.sequences,
    postData: !before && has.postData,
  };
  const ddl = await prepareDdl(ddlSections(archive), {
    options: DRILL_OPTIONS,
    plan: { ...plan, schemaSections },
    target,
  });
  const config = await readConfigOf(archive);
  const roles = config?.roles.map(({ name }) => name).filter((name) => !isReservedRole(name, config.supabase)) ?? [];
  const missing = new Set(roles.filter((name) => !target.roles.includes(name)));
  const own = (entries: readonly DumpEntry[]) =>
    withoutMissingRoles(entries.filter(isDatabases), { missing, own: target.role });
  // Roles and their settings are the whole server's: nothing of them is planned.
  const planned =
    config && planConfig({ ...config, roles: [], memberships: [], role_settings: [] }, { target, activate: false });
  return {
    preData: own(ddl.preData),
    sequences: ddl.sequences,
    postData: own(ddl.postData),
    missingRoles: [...missing],
    settings: before ? [] : (planned?.afterSql ?? []),
    heldBack: [...ddl.heldBack, ...(before ? (planned?.heldBack ?? []) : [])],
    notes: before
      ? [...ddl.notes, ...(planned?.differences ?? []), ...roleNotes(roles, missing, target.role)]
      : ddl.notes,
  };
}

/** Extensions were made, or refused, when the database was shaped. */
function isDatabases(entry: DumpEntry): boolean {
  return !isOfExtension(entry, () => true);
}

function roleNotes(roles: readonly string[], missing: ReadonlySet<string>, own: string): string[] {
  if (roles.length === 0) return [];
  const gone = [...missing].map((name) => `the server has no role ${name} any more: ${own} stands for it in the drill`);
  return [`roles are the server's: none was created or changed, and whether they come back was not tried`, ...gone];
}
