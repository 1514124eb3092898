/** What discovery knows of a database. Tables are named `schema.table` quoted as SQL names, so that they are keys too. */

export interface GraphColumn {
  readonly name: string;
  /** format_type() text; of a domain, the type under it. */
  readonly type: string;
}

export interface GraphForeignKey {
  readonly columns: readonly string[];
  /** Key of the table referred to. */
  readonly to: string;
  readonly toColumns: readonly string[];
  /** Rows go when what they refer to goes: they are a part of it. */
  readonly cascades: boolean;
}

export interface GraphTable {
  readonly key: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly GraphColumn[];
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly GraphForeignKey[];
  /** USING expressions of policies for reading, as PostgreSQL prints them. */
  readonly policies: readonly string[];
}

export interface SubjectGraph {
  readonly tables: readonly GraphTable[];
  /** Key of auth.users; null when there is none. */
  readonly users: string | null;
}
