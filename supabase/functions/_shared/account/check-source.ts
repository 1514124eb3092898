/** Holds a row of backup.subject_source against the catalogue: a path that leads nowhere would export nothing, silently. */
import type { SubjectColumnRule, SubjectHop, SubjectPath, SubjectSource } from '../domain/subject-types.ts';
import type { SubjectCatalogueTable, SubjectTableColumn } from './read-tables.ts';

/** Finds a table by schema and name. */
export type FindTable = (schema: string, table: string) => SubjectCatalogueTable | undefined;

/** Types whose values compare with each other by `=`. */
const FAMILIES = [
  ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'],
  ['text', 'character varying', 'character', 'bpchar', 'name'],
];
const IDENTITY_COLUMNS = ['id', 'email', 'phone'];
const JSON_TYPES = ['json', 'jsonb'];

/** The source with every hop's way of comparing filled in. What is wrong goes to `problems`, each with table and hop. */
export function checkSource(
  source: SubjectSource,
  { find, categories, problems }: { find: FindTable; categories: ReadonlySet<string>; problems: string[] },
): SubjectSource {
  const label = `${source.schema}.${source.table}`;
  const table = find(source.schema, source.table);
  if (table === undefined) {
    problems.push(`${label}: there is no such table`);
    return source;
  }
  if (table.partition) problems.push(`${label}: map the partitioned table, not its part`);
  if (source.schema === 'vault') problems.push(`${label}: secrets are nobody's personal data`);
  if (!categories.has(source.category)) problems.push(`${label}: there is no category '${source.category}'`);
  checkColumns(source.columns, { label, columns: table.columns, problems });
  if (source.paths.length === 0) problems.push(`${label}: a mapped table needs a path`);
  const paths = source.paths.map((path, index) =>
    checkPath(path, table, {
      find,
      report: (hop, text) => problems.push(`${label}, path ${index + 1}, hop ${hop}: ${text}`),
    }),
  );
  return { ...source, paths };
}

function checkColumns(
  rules: readonly SubjectColumnRule[],
  { label, columns, problems }: { label: string; columns: readonly SubjectTableColumn[]; problems: string[] },
): void {
  const named = (name: string) => columns.some((column) => column.name === name);
  for (const { column, unlessOwn } of rules) {
    if (!named(column)) problems.push(`${label}: a rule names the column '${column}', which the table has not`);
    if (unlessOwn !== null && !named(unlessOwn))
      problems.push(`${label}: the rule of '${column}' names the column '${unlessOwn}', which the table has not`);
  }
}

interface PathCheck {
  readonly find: FindTable;
  readonly report: (hop: number, text: string) => void;
}

function checkPath(path: unknown, start: SubjectCatalogueTable, { find, report }: PathCheck): SubjectPath {
  if (!Array.isArray(path) || path.length === 0) {
    report(1, 'a path is a list of hops and must not be empty');
    return [];
  }
  const hops: SubjectHop[] = [];
  let from: SubjectCatalogueTable = start;
  for (const [index, hop] of path.entries()) {
    const last = index === path.length - 1;
    const fail = (text: string) => report(index + 1, text);
    if (!isHop(hop)) {
      fail(
        'a hop is {"columns": [...], "to": {"schema", "table", "columns": [...]}} with as many columns on both sides',
      );
      return [];
    }
    const to = find(hop.to.schema, hop.to.table);
    const usable = checkEnds(hop, { from, to, last, fail });
    if (to === undefined || !usable) return [];
    const rawJson = hop.key !== undefined && typeOf(from, hop.columns[0]!) === 'json';
    hops.push({ ...hop, asText: comparesAsText(hop, { from, to, last }), ...(rawJson ? { rawJson } : {}) });
    from = to;
  }
  return hops;
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

function isHop(value: unknown): value is SubjectHop {
  if (typeof value !== 'object' || value === null) return false;
  const { columns, to, key } = value as Partial<Record<keyof SubjectHop, unknown>>;
  if (!isNames(columns) || typeof to !== 'object' || to === null) return false;
  const end = to as Partial<Record<string, unknown>>;
  const named = typeof end.schema === 'string' && typeof end.table === 'string' && isNames(end.columns);
  if (!named || (end.columns as string[]).length !== columns.length) return false;
  return key === undefined || (typeof key === 'string' && columns.length === 1);
}

interface Ends {
  readonly from: SubjectCatalogueTable;
  readonly to: SubjectCatalogueTable | undefined;
  readonly last: boolean;
}

function checkEnds(hop: SubjectHop, { from, to, last, fail }: Ends & { fail: (text: string) => void }): boolean {
  const target = `${hop.to.schema}.${hop.to.table}`;
  const problems: string[] = [];
  for (const name of hop.columns) {
    const type = typeOf(from, name);
    if (type === undefined) problems.push(`${from.schema}.${from.table} has no column '${name}'`);
    else if (hop.key !== undefined && !JSON_TYPES.includes(type))
      problems.push(`a key needs a column of type json or jsonb, '${name}' is ${type}`);
  }
  if (to === undefined) problems.push(`there is no table ${target}`);
  for (const name of hop.to.columns) {
    if (to !== undefined && typeOf(to, name) === undefined) problems.push(`${target} has no column '${name}'`);
    if (last && !IDENTITY_COLUMNS.includes(name)) problems.push(`a path ends in id, email or phone, not in '${name}'`);
  }
  if (last !== (target === 'auth.users'))
    problems.push(`a path ends in auth.users and nowhere before, this is ${target}`);
  for (const text of problems) fail(text);
  return problems.length === 0;
}

const typeOf = (table: SubjectCatalogueTable, name: string) =>
  table.columns.find((column) => column.name === name)?.type;

/** Of a last hop only the type of the column counts: it is compared with a constant. */
function comparesAsText(hop: SubjectHop, { from, to, last }: Ends & { to: SubjectCatalogueTable }): boolean {
  return hop.columns.some((name, index) => {
    const type = hop.key === undefined ? typeOf(from, name)! : 'text';
    if (last) return type !== 'uuid' && !FAMILIES[1]!.includes(type);
    const other = typeOf(to, hop.to.columns[index]!)!;
    return type !== other && !FAMILIES.some((family) => family.includes(type) && family.includes(other));
  });
}
