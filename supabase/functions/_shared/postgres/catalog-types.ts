/** What the catalogue reader says of a database, all read in one snapshot. */
export interface Column {
  readonly name: string;
  /** format_type() text. */
  readonly type: string;
  /** pg_type.typcategory-based hint for the JSON export, see json-select.ts. */
  readonly typeOid: number;
  /** typeOid, or for a domain the type under it; absent in facts recorded by hand. */
  readonly baseTypeOid?: number;
  readonly notNull: boolean;
  readonly generated: boolean;
  readonly identity: boolean;
}

export interface Table {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** r ordinary, p partitioned parent (holds no rows), f foreign, m materialized view. Only r is copied. */
  readonly kind: 'r' | 'p' | 'f' | 'm';
  readonly persistence: 'p' | 'u';
  /** Root of the partition tree that this table is a part of; null for a table that is none. */
  readonly partitionRoot: { readonly schema: string; readonly name: string } | null;
  readonly columns: Column[];
  readonly hasPrimaryKey: boolean;
  /** Has the current role SELECT (directly or through pg_read_all_data), and USAGE on the schema? */
  readonly readable: boolean;
  /** In a schema the platform manages: data only, never DDL. */
  readonly managed: boolean;
  /** Heap pages now (pg_relation_size / block size), not reltuples' guess. */
  readonly blocks: number;
  readonly heapBytes: number;
  /** TOAST table and its index. */
  readonly toastBytes: number;
  readonly estimatedRows: number;
  /** Of an extension's configuration table: the condition that makes its rows the user's ('' for all). null or absent otherwise. */
  readonly configCondition?: string | null;
}

export interface Catalog {
  readonly databaseName: string;
  readonly serverVersion: string;
  readonly serverVersionNum: number;
  readonly blockSize: number;
  readonly encoding: string;
  readonly supabase: boolean;
  /** Schemas that are the platform's here (see managed-schemas.ts), present in this database. */
  readonly managedSchemas: string[];
  readonly tables: Table[];
  readonly extensions: { name: string; version: string; schema: string }[];
  /** What the current role may not read of the sequences that a backup takes, with the table to whose column each belongs. */
  readonly unreadableSequences: {
    readonly schema: string;
    readonly name: string;
    readonly owner: { readonly schema: string; readonly name: string } | null;
  }[];
  readonly largeObjectCount: number;
}

/** A range of one table: heap blocks [fromBlock, toBlock), or with tuples inside one block [fromTuple, toTuple). null = no bound. */
export interface SliceRange {
  readonly fromBlock: number;
  readonly toBlock: number | null;
  readonly fromTuple?: number;
  readonly toTuple?: number | null;
}

export interface Slice {
  /** Dotted ordinal that sorts in row order: 0001, 0002, and after a cut 0002.1, 0002.2. Empty when the table is one slice. */
  readonly part: string;
  readonly range: SliceRange;
  /** Expected bytes of COPY text; a guess from heap and TOAST sizes. */
  readonly estimatedBytes: number;
}
