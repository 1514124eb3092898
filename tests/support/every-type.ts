/** A table with a column of every built-in type and of what people build from them, and the ends of their ranges in rows. */

/** Literals of each type: ordinary ones and the ends of its range. */
export const EVERY_TYPE_VALUES: Record<string, string[]> = {
  bool: ['true', 'false'],
  bytea: ['\\x', '\\x00ff5c6e'],
  '"char"': ['a', '\\200'],
  name: ['pg_name'],
  int8: ['9223372036854775807', '-9223372036854775808'],
  int2: ['-32768'],
  int2vector: ['1 2 3'],
  int4: ['2147483647'],
  regproc: ['pg_catalog.now'],
  text: ['', 'tab\tline\nback\\slash \\N', '\\.', 'é漢😀"\'', '\r\n', '\b\f\v\x01\x7f'],
  oid: ['4294967295'],
  tid: ['(4294967295,65535)'],
  xid: ['4294967295'],
  cid: ['4294967295'],
  oidvector: ['1 2'],
  xml: ['<a b="c">d</a>'],
  json: ['{"a" : [1, null, "\\u00e9"],  "a": 2}', 'null', '"text"'],
  jsonb: ['{"b": 1e100, "a": "\\\\ \\" \\n"}', '[1.10]', '"text"'],
  jsonpath: ['$."a"[*]?(@ > 1)'],
  xid8: ['18446744073709551615'],
  point: ['(1e-300,-1.5)'],
  lseg: ['[(0,0),(1,1)]'],
  path: ['((0,0),(1,1))', '[(0,0),(1,1)]'],
  box: ['(1,1),(0,0)'],
  polygon: ['((0,0),(1,1),(1,0))'],
  line: ['{1,-1,0}'],
  circle: ['<(0,0),1>'],
  float4: ['1.1', 'NaN', 'Infinity', '-Infinity', '-0', '1e-45'],
  float8: ['0.1', 'NaN', 'Infinity', '-Infinity', '-0', '5e-324', '1.7976931348623157e308'],
  money: ['$1,234.50', '-92233720368547758.08'],
  macaddr: ['08:00:2b:01:02:03'],
  inet: ['192.168.0.1/24', '::1'],
  cidr: ['10.0.0.0/8'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  aclitem: ['=r/pg_database_owner'],
  bpchar: ['padded    '],
  'char(5)': ['ab'],
  varchar: ['varying '],
  date: ['infinity', '-infinity', '4713-01-01 BC', '5874897-12-31'],
  time: ['24:00:00', '00:00:00.000001'],
  timestamp: ['infinity', '294276-12-31 23:59:59.999999', '4713-01-01 00:00:00 BC'],
  timestamptz: ['-infinity', '2026-01-14 02:00:00.123456+05:30', '0044-03-15 12:00:00+00 BC'],
  interval: ['1 year 2 mons -3 days 04:05:06.789', '-178000000 years'],
  timetz: ['12:00:00.5-15:59'],
  bit: ['1'],
  varbit: ['', '10110'],
  numeric: ['NaN', 'Infinity', '-Infinity', '12345678901234567890.12345678901234567890', '1e-16383', '0.00'],
  refcursor: ['cursor'],
  regprocedure: ['pg_catalog.abs(integer)'],
  regoper: ['pg_catalog.||/'],
  regoperator: ['pg_catalog.+(integer,integer)'],
  regclass: ['pg_catalog.pg_class'],
  regcollation: ['pg_catalog."C"'],
  regtype: ['integer'],
  regrole: ['pg_monitor'],
  regnamespace: ['pg_catalog'],
  uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  pg_lsn: ['FFFFFFFF/FFFFFFFF'],
  tsvector: ["'a':1A 'b b':2,3"],
  gtsvector: [],
  tsquery: ["'a' & !('b' <-> 'c')"],
  regconfig: ['pg_catalog.english'],
  regdictionary: ['pg_catalog.simple'],
  txid_snapshot: ['10:20:10,14,15'],
  pg_snapshot: ['10:20:10,14,15'],
  int4range: ['[1,5)', 'empty', '(,)'],
  numrange: ['[1.50,)'],
  tsrange: ['["2026-01-01 00:00:00","2026-01-02 00:00:00")'],
  tstzrange: ['["2026-01-01 00:00:00+00",infinity)'],
  daterange: ['[2026-01-01,2026-02-01)'],
  int8range: ['[-9223372036854775808,0)'],
  int4multirange: ['{[1,3),[5,7)}', '{}'],
  nummultirange: ['{[1.5,2.5]}'],
  tsmultirange: ['{["2026-01-01 00:00:00","2026-01-02 00:00:00")}'],
  tstzmultirange: ['{["2026-01-01 00:00:00+00","2026-01-02 00:00:00+00")}'],
  datemultirange: ['{[2026-01-01,2026-02-01)}'],
  int8multirange: ['{[1,2)}'],
  // What people build from them.
  'integer[]': ['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[0:1]={5,6}', '[-1:0][2:2]={{1},{2}}'],
  'text[]': ['{"a,b","\\"q\\"",NULL,"NULL","","\\\\"}'],
  'jsonb[]': ['{"{\\"a\\": null}","null"}'],
  'numeric(10,2)[]': ['{1.50,NaN}'],
  'timestamptz[]': ['{infinity,"2026-01-01 00:00:00+00"}'],
  'bytea[]': ['{"\\\\x00"}'],
  'types.mood': ['sad', 'it\'s \\ "odd"'],
  'types.mood[]': ['{sad,"it\'s \\\\ \\"odd\\""}'],
  'types.positive': ['1'],
  'types.document': ['{"a": [1]}', '"text"'],
  'types.names': ['{a,b}', '{{a},{b}}', '[5:5]={c}'],
  'types.pair': ['(1,"a,""b""")', '(,)'],
  'types.pair[]': ['{"(1,a)",NULL}'],
  'types.floatrange': ['[1.5,2.5)'],
};

const TYPES_SQL = `
  create schema types;
  create type types.mood as enum ('sad', 'it''s \\ "odd"');
  create domain types.positive as integer check (value > 0);
  create domain types.anydocument as jsonb;
  create domain types.document as types.anydocument;
  create domain types.names as text[];
  create type types.pair as (a integer, b text);
  create type types.floatrange as range (subtype = float8);
`;

/** The types that have values, in the order of the columns c0, c1, … of `types.every`. */
export const EVERY_TYPE: readonly string[] = Object.keys(EVERY_TYPE_VALUES).filter(
  (type) => EVERY_TYPE_VALUES[type]!.length > 0,
);

/** Statements that make `types.every` with its rows; as role postgres or any other that may create schemas. */
export function everyTypeSql(): string[] {
  const columns = EVERY_TYPE.map((type, index) => `c${index} ${type}`);
  const rows = Math.max(...EVERY_TYPE.map((type) => EVERY_TYPE_VALUES[type]!.length));
  const inserts = Array.from({ length: rows }, (_, row) => {
    const values = EVERY_TYPE.map((type) => {
      const value = EVERY_TYPE_VALUES[type]![row];
      return value === undefined ? 'null' : `$v$${value}$v$::${type}`;
    });
    return `insert into types.every values (${row}, ${values.join(', ')})`;
  });
  return [TYPES_SQL, `create table types.every (id integer, ${columns.join(', ')})`, ...inserts];
}
