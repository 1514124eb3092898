/** Whose data is where, as the owner decided it: rows of backup.subject_source and backup.subject_column. */

/** One step of a foreign-key path: these columns of the table before equal those of the next. Composite keys have several. */
export interface SubjectHop {
  readonly columns: readonly string[];
  readonly to: { readonly schema: string; readonly table: string; readonly columns: readonly string[] };
  /** The (only) column is JSON: the text under this top-level key is compared, as in `metadata ->> 'user_id'`. */
  readonly key?: string;
  /** With `key`: the column is json, not jsonb, and may hold what has no text. Set by readSubjectSources(). */
  readonly rawJson?: boolean;
  /** The sides have types without a common `=`, a uuid and a text: compared as text. Set by readSubjectSources(). */
  readonly asText?: boolean;
}

/** From a table to auth.users; the last hop ends in its `id`, `email` or `phone`. A direct column is a path of one hop. */
export type SubjectPath = readonly SubjectHop[];

export interface SubjectColumnRule {
  readonly column: string;
  /** `redact`: a fixed mark; `hash`: equal values stay equal; `drop`: the column does not leave. */
  readonly rule: 'keep' | 'redact' | 'hash' | 'drop';
  /** A column that names a user: the rule spares rows in which it is the subject. Null: the rule holds for every row. */
  readonly unlessOwn: string | null;
  /** What an erasure that anonymises writes; null: the column is left as it is. */
  readonly anonymise: 'null' | 'empty' | 'hash' | 'placeholder' | null;
}

export interface SubjectSource {
  readonly schema: string;
  readonly table: string;
  /** A name of backup.subject_category. */
  readonly category: string;
  /** Any of them makes a row the subject's. */
  readonly paths: readonly SubjectPath[];
  /** `auto`: under the subject's own row level security where the table grants and has policies. */
  readonly readAs: 'auto' | 'owner';
  readonly erase: 'delete' | 'anonymise' | 'keep';
  readonly keepReason: string | null;
  /** ISO 8601 duration; null unless kept. */
  readonly keepFor: string | null;
  readonly columns: readonly SubjectColumnRule[];
}

export interface SubjectTable {
  readonly schema: string;
  readonly table: string;
}
