/**
 * How a column stands in the JSON export so that json_populate_record() gives back the same value: types that JSON has, or
 * whose text PostgreSQL writes into a JSON string unchanged, as they are; every other type as its output text.
 * One loss remains: a JSON null in a jsonb column comes back as SQL NULL.
 */
import type { Column } from './catalog-types.ts';
import { quoteIdentifier } from './identifiers.ts';

const BOOL = 16;
const NAME = 19;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const TEXT = 25;
const FLOAT4 = 700;
const FLOAT8 = 701;
const BPCHAR = 1042;
const VARCHAR = 1043;
const DATE = 1082;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
const NUMERIC = 1700;
const UUID = 2950;
const JSON_TYPES = [114, 3802];
const SCALARS = [
  ...[BOOL, NAME, INT8, INT2, INT4, TEXT, FLOAT4, FLOAT8],
  ...[BPCHAR, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID],
];
/** The array types of SCALARS, in their order. */
const SCALAR_ARRAYS = [
  ...[1000, 1003, 1016, 1005, 1007, 1009, 1021, 1022],
  ...[1014, 1015, 1182, 1115, 1185, 1231, 2951],
];
const NATIVE = new Set([...SCALARS, ...JSON_TYPES]);
const NATIVE_ARRAYS = new Set(SCALAR_ARRAYS);

/** The expression of one column, named as the column. */
export function jsonColumn(column: Column): string {
  const name = quoteIdentifier(column.name);
  const type = column.baseTypeOid ?? column.typeOid;
  if (NATIVE.has(type)) return name;
  if (!NATIVE_ARRAYS.has(type)) return `${name}::pg_catalog.text as ${name}`;
  // A JSON array says nothing of lower bounds, and nested ones would lose which dimension is empty.
  return (
    `case when ${name} is null then null ` +
    `when cardinality(${name}) = 0 or (array_ndims(${name}) = 1 and array_lower(${name}, 1) = 1) then to_json(${name}) ` +
    `else to_json(${name}::pg_catalog.text) end as ${name}`
  );
}
