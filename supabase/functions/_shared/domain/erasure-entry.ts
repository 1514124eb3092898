/** One entry of the erasure ledger: what was done to whose data, without saying whose in words. */
import { createHash } from 'node:crypto';
import type { Subject } from './subject.ts';
import type { SubjectPath } from './subject-types.ts';

export const ERASURE_ENTRY_VERSION = 1;

/** Below the store's location; entries are `erasures/<yyyy>/<erasure_id>.json`. */
export const ERASURES_FOLDER = 'erasures';

/** What an erasure that anonymises writes. */
export type Replacement = 'null' | 'empty' | 'hash' | 'placeholder';

export interface ErasedColumn {
  readonly column: string;
  /** format_type() with its modifier; what is written is cast to it. */
  readonly type: string;
  readonly write: Replacement;
  /** Only where this column names the person: the other side of a shared row is not theirs. Null: in every row of theirs. */
  readonly ifOwn: string | null;
}

export interface ErasedTable {
  readonly schema: string;
  readonly table: string;
  readonly action: 'delete' | 'anonymise' | 'keep';
  readonly paths: readonly SubjectPath[];
  /** [] unless anonymised. */
  readonly columns: readonly ErasedColumn[];
  /** Columns that are set to null before anything is deleted, because tables refer to each other in a circle. */
  readonly unlink: readonly string[];
  /** Null unless kept; `until` is a moment in ISO 8601. */
  readonly keep: { readonly reason: string; readonly until: string } | null;
}

/** Which of Storage's rows: by their owner, and where `folders` in buckets that are named also by a first folder. */
export interface ErasedFiles {
  /** Buckets in which a first folder that is the user's id counts; `*`: in all. */
  readonly folderBuckets: readonly string[];
}

export interface ErasureEntry {
  readonly version: number;
  /** Of the database that wrote it, see backup.erasure_ledger_id(); the first entries of some ledgers have none. */
  readonly ledger_id?: string;
  readonly erasure_id: string;
  /** From 1, without gaps. */
  readonly position: number;
  /** Of the entry before, byte for byte; null for the first. */
  readonly previous_sha256: string | null;
  /** Hex SHA-256; e-mail and phone only where a table matches by them. */
  readonly subject: { readonly id: string; readonly email: string | null; readonly phone: string | null };
  readonly erased_at: string;
  /** In the order in which they were done. */
  readonly actions: readonly ErasedTable[];
  readonly files: ErasedFiles;
  readonly tool: { readonly name: string; readonly version: string };
}

export type SubjectMark = 'id' | 'email' | 'phone';

/** What is hashed: a prefix keeps these hashes from matching those of anybody else. */
export const MARK_PREFIXES: Readonly<Record<SubjectMark, string>> = {
  id: 'holdfast subject id ',
  email: 'holdfast subject email ',
  phone: 'holdfast subject phone ',
};

const NORMAL: Readonly<Record<SubjectMark, (text: string) => string>> = {
  id: (text) => text.toLowerCase(),
  email: (text) => text.toLowerCase(),
  phone: (text) => text.replace(/^\+/, ''),
};

/** Hex SHA-256 of a user id, e-mail address or phone number. */
export function markOf(kind: SubjectMark, text: string): string {
  return createHash('sha256')
    .update(MARK_PREFIXES[kind] + NORMAL[kind](text))
    .digest('hex');
}

/** The hashes of a person that these paths need to find them again. */
export function marksOf(subject: Subject, paths: readonly SubjectPath[]): ErasureEntry['subject'] {
  const ends = new Set(paths.flatMap((path) => path.at(-1)?.to.columns ?? []));
  const mark = (kind: SubjectMark, text: string | null) =>
    text !== null && ends.has(kind) ? markOf(kind, text) : null;
  return { id: markOf('id', subject.id), email: mark('email', subject.email), phone: mark('phone', subject.phone) };
}
