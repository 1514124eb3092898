/** In which phase a table is restored: by the tiers that the owner edited, else by the preset. */
import type { ManifestTable } from '../domain/manifest-types.ts';
import { RESTORE_PHASES, type RestorePhase, TABLE_TIERS } from '../domain/table-tiers.ts';
import { copyRows } from '../postgres/copy-text.ts';
import type { Archive } from './contracts.ts';

export type PhaseOf = (table: Pick<ManifestTable, 'schema' | 'name' | 'managed'>) => number;

const LAST = RESTORE_PHASES.length;
/** A table of tiers that is larger than this was not made by hand. */
const MAX_TIER_BYTES = 1024 * 1024;

export function phaseTable(phase: number): RestorePhase {
  return RESTORE_PHASES[Math.min(phase, LAST) - 1]!;
}

/** Users who sign in come first; what nobody named comes last. */
export async function readPhases(archive: Archive): Promise<PhaseOf> {
  const edited = await readTiers(archive);
  return ({ schema, name, managed }) => {
    if (managed) return schema === 'auth' ? 1 : LAST;
    const key = `${schema}.${name}`;
    if (schema === 'public' && !moved(edited, name)) {
      const preset = RESTORE_PHASES.find(({ tables }) => tables.includes(name));
      if (preset) return preset.phase;
    }
    return Math.min(edited?.get(key) ?? LAST, LAST);
  };
}

/** True when the owner gave a preset table another tier: then the preset's phase is not meant any more. */
function moved(edited: ReadonlyMap<string, number> | null, name: string): boolean {
  const tier = edited?.get(`public.${name}`);
  const preset = TABLE_TIERS.find(({ tables }) => tables.includes(name))?.tier;
  return edited !== null && tier !== preset;
}

/** backup.table_tier as the backup has it, `schema.table` to tier; null where Holdfast was not installed. */
async function readTiers(archive: Archive): Promise<ReadonlyMap<string, number> | null> {
  const { tables, data_format } = archive.manifest;
  const table = tables.find(({ schema, name }) => schema === 'backup' && name === 'table_tier');
  if (!table || data_format !== 'copy' || table.raw_bytes > MAX_TIER_BYTES) return null;
  const [schemaAt, nameAt, tierAt] = ['schema_name', 'table_name', 'tier'].map((name) => table.columns.indexOf(name));
  const tiers = new Map<string, number>();
  for (const path of table.segments) {
    for await (const row of copyRows(archive.read(path)))
      tiers.set(`${row[schemaAt!]}.${row[nameAt!]}`, Number(row[tierAt!]));
  }
  return tiers;
}
