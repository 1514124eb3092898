/** Everything that an export must know to go on in another call. Plain JSON: it stands in the job's progress. */
import type { ZipEntry } from '../zip/zip-entry.ts';
import type { EntryPiece } from './layout.ts';
import type { WrittenPart } from './part-writer.ts';

export interface EntryState extends ZipEntry {
  /** The Storage object that it came from. */
  readonly source?: FileSource;
}

export interface FileSource {
  readonly bucket: string;
  readonly name: string;
}

export interface TableCount {
  readonly table: string;
  readonly category: string;
  rows: number;
  /** Rows that the user's own policies hide from them. */
  hidden: number;
  readAs: 'policies' | 'filter';
  /** Why the policies had no say. */
  reason: string | null;
  readonly treated: readonly { readonly column: string; readonly rule: string; readonly unless_own: string | null }[];
  readonly leftOut: readonly string[];
  readonly columns: readonly string[];
  /** The first rows, cut, for index.html. */
  readonly preview: (readonly (string | null)[])[];
}

export interface LeftOutFile extends FileSource {
  readonly reason: 'missing' | 'changed' | 'refused';
}

/** A file that is longer than a slice. */
export interface OpenFile extends FileSource {
  readonly entry: number;
  readonly sizeBytes: number;
  readonly etag: string | null;
  readonly restarts: number;
  offset: number;
}

export interface ExportState {
  phase: 'rows' | 'files' | 'end' | 'done';
  readonly startedMs: number;
  /** What the indexes below point into, as digestPlan() tells it. Null where it cannot change: in one transaction. */
  readonly planDigest: string | null;
  /** How often it began again because the plan had changed. */
  readonly restarts: number;
  /** Names of parts that were written before it began again, and are to be deleted. */
  readonly stale: string[];
  /** Index of the category and, within it, of the table. */
  category: number;
  table: number;
  /** null: the table's rows have not begun. */
  cursor: unknown;
  begunTable: boolean;
  begunCategory: boolean;
  /** Numbers of the open JSON and CSV of the category. */
  jsonEntry: number | null;
  csvEntry: number | null;
  /** The only entry of format json. */
  jsonDocument: number | null;
  csvColumns: readonly string[];
  csvNamesTable: boolean;
  /** The last file that was begun. */
  fileCursor: FileSource | null;
  file: OpenFile | null;
  nextEntry: number;
  readonly entries: Record<string, EntryState>;
  readonly tables: TableCount[];
  readonly leftOut: LeftOutFile[];
  previewBytes: number;
  rowCount: number;
  fileCount: number;
  /** Of rows and files, before compression. */
  rawBytes: number;
  readonly parts: WrittenPart[];
  readonly pieces: EntryPiece[];
}

export function newExportState(startedMs: number, planDigest: string | null = null): ExportState {
  return {
    phase: 'rows',
    startedMs,
    planDigest,
    restarts: 0,
    stale: [],
    category: 0,
    table: 0,
    cursor: null,
    begunTable: false,
    begunCategory: false,
    jsonEntry: null,
    csvEntry: null,
    jsonDocument: null,
    csvColumns: [],
    csvNamesTable: false,
    fileCursor: null,
    file: null,
    nextEntry: 1,
    entries: {},
    tables: [],
    leftOut: [],
    previewBytes: 0,
    rowCount: 0,
    fileCount: 0,
    rawBytes: 0,
    parts: [],
    pieces: [],
  };
}
