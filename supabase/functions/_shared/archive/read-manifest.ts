import { MANIFEST_VERSION, type Manifest } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';

/** Loads zod with it, once: module evaluation counts against a call's CPU, so only who needs it asks. */
export async function loadManifestSchema(): Promise<typeof import('../domain/manifest.ts').MANIFEST_SCHEMA> {
  return (await import('../domain/manifest.ts')).MANIFEST_SCHEMA;
}

/**
 * Parses and checks `manifest.json`: its schema, and that its parts agree with each other.
 * Throws MANIFEST_TOO_NEW and MANIFEST_INVALID.
 */
export async function readManifest(bytes: Uint8Array): Promise<Manifest> {
  const value = parse(bytes);
  refuseNewer(value);
  const result = (await loadManifestSchema()).safeParse(value);
  if (!result.success) {
    throw invalid(result.error.issues.map((issue) => `${issue.path.join('.') || 'manifest'}: ${issue.message}`));
  }
  const problems = disagreements(result.data);
  if (problems.length > 0) throw invalid(problems);
  return result.data;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw ERRORS.MANIFEST_INVALID(`the manifest is not JSON in UTF-8 (${bytes.length} bytes)`, { cause });
  }
}

/** Before the schema: a newer major may look different in every other way. */
function refuseNewer(value: unknown): void {
  const manifest = value as { format?: unknown; version?: { major?: unknown } } | null;
  const major = manifest?.version?.major;
  if (manifest?.format !== 'holdfast-archive' || typeof major !== 'number') {
    throw ERRORS.MANIFEST_INVALID(
      "this is not a manifest of Holdfast: it lacks format 'holdfast-archive' or a version",
    );
  }
  if (major <= MANIFEST_VERSION.major) return;
  throw ERRORS.MANIFEST_TOO_NEW(
    `the manifest has version ${major}; this Holdfast reads up to ${MANIFEST_VERSION.major}`,
  );
}

function invalid(problems: string[]) {
  const shown = problems.slice(0, 5).join('; ');
  return ERRORS.MANIFEST_INVALID(`the manifest is damaged: ${shown}`, {
    details: { problems: problems.slice(0, 100) },
  });
}

function disagreements(manifest: Manifest): string[] {
  const { tables, objects, totals, schema } = manifest;
  const byPath = new Map(objects.map((object) => [object.path, object]));
  const problems: string[] = [];
  if (byPath.size !== objects.length) problems.push('an object is listed twice');
  if (totals.objects !== objects.length)
    problems.push(`totals.objects is ${totals.objects}, ${objects.length} are listed`);
  if (totals.tables !== tables.length) problems.push(`totals.tables is ${totals.tables}, ${tables.length} are listed`);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (totals.rows !== rows) problems.push(`totals.rows is ${totals.rows}, the tables have ${rows}`);
  for (const path of schema.sections) if (!byPath.has(path)) problems.push(`section ${path} is not among the objects`);
  if (manifest.data_format === 'sql') return problems;
  for (const table of tables) problems.push(...tableDisagreements(table, byPath));
  return problems;
}

function tableDisagreements(
  table: Manifest['tables'][number],
  byPath: Map<string, Manifest['objects'][number]>,
): string[] {
  const name = `${table.schema}.${table.name}`;
  const missing = table.segments.filter((path) => byPath.get(path)?.kind !== 'segment');
  if (missing.length > 0) return missing.map((path) => `segment ${path} of ${name} is not among the objects`);
  const rows = table.segments.reduce((sum, path) => sum + (byPath.get(path)!.rows ?? 0), 0);
  return rows === table.rows ? [] : [`${name} has ${table.rows} rows, its segments ${rows}`];
}
