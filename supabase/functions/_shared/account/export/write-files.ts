/** The Storage files of an export: small ones whole, larger ones as streams that may stop and go on in another slice. */
import { ERRORS, HoldfastError } from '../../errors.ts';
import { sha256Hex } from '../../stores/sha256.ts';
import { listSubjectFiles, type SubjectFile } from '../list-subject-files.ts';
import { EntryNames } from '../zip/entry-names.ts';
import { STORED } from '../zip/zip-entry.ts';
import type { FileSource, LeftOutFile, OpenFile } from './export-state.ts';
import type { Exporting } from './exporting.ts';
import { readStorageFile, type StorageAnswer } from './read-storage-file.ts';

const PAGE = 100;
const WHOLE_BYTES = 4 * 1024 * 1024;
const LARGE_BYTES = 0xf0000000;
const MAX_RESTARTS = 3;

/** Goes on until all files are written or the budget is over. Throws EXPORT_TOO_LARGE, STORAGE_UNREACHABLE. */
export async function writeFiles(exporting: Exporting): Promise<void> {
  const { state, plan, sql, budget } = exporting;
  if (state.jsonDocument !== null) return await listFiles(exporting, state.jsonDocument);
  const names = usedNames(exporting);
  if (state.file !== null && !(await writeOpenFile(exporting, names))) return;
  for (;;) {
    const page = await listSubjectFiles(sql, plan.subject, { after: state.fileCursor, limit: PAGE });
    for (const file of page) {
      if (budget.over || !(await beginInTime(exporting, file, names)) || state.file !== null) return;
      exporting.onProgress?.(state);
    }
    if (page.length < PAGE) break;
  }
  state.phase = 'end';
}

/** A document holds no files: it says which there are. */
async function listFiles({ state, plan, sql, writer }: Exporting, document: number): Promise<void> {
  await writer.text(document, ',\n"files": [');
  let after: FileSource | null = null;
  for (let begun = false; ; ) {
    const page: SubjectFile[] = await listSubjectFiles(sql, plan.subject, { after, limit: PAGE });
    for (const { bucket, name, sizeBytes, mimetype } of page) {
      const facts = JSON.stringify({ bucket, name, size: sizeBytes, mimetype });
      await writer.text(document, `${begun ? ',' : ''}\n${facts}`);
      begun = true;
      state.fileCount += 1;
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!;
  }
  await writer.text(document, '\n]');
  state.phase = 'end';
}

function usedNames({ state }: Exporting): EntryNames {
  const names = new EntryNames();
  for (const { name } of Object.values(state.entries)) names.reserve(name);
  return names;
}

/** False when the time was up before anything of the file was written: the next slice begins it. */
async function beginInTime(exporting: Exporting, file: SubjectFile, names: EntryNames): Promise<boolean> {
  const before = exporting.state.fileCursor;
  try {
    await beginFile(exporting, file, names);
    return true;
  } catch (error) {
    const late = exporting.budget.signal?.aborted === true;
    if (!late || !(error instanceof HoldfastError) || error.code !== 'STORAGE_UNREACHABLE') throw error;
    exporting.state.fileCursor = before;
    return false;
  }
}

async function beginFile(exporting: Exporting, file: SubjectFile, names: EntryNames): Promise<void> {
  const { state, project, budget, limits } = exporting;
  if (state.fileCount >= limits.maxFiles) {
    throw ERRORS.EXPORT_TOO_LARGE(`an export must have at most ${limits.maxFiles} files`);
  }
  state.fileCursor = { bucket: file.bucket, name: file.name };
  const known = file.sizeBytes ?? 0;
  const count = known > Math.max(budget.left, WHOLE_BYTES) ? Math.max(budget.left, WHOLE_BYTES) : null;
  const found = await readStorageFile(project, { ...state.fileCursor, start: 0, count, signal: budget.signal });
  if (found === null || found === 'refused') {
    leaveOut(exporting, { ...state.fileCursor, reason: found ?? 'missing' });
    return;
  }
  await writeFound(exporting, { found, names, count, restarts: 0 });
}

interface FoundFile {
  readonly found: StorageAnswer;
  readonly names: EntryNames;
  /** How many bytes were asked for; null: all. */
  readonly count: number | null;
  readonly restarts: number;
}

async function writeFound(exporting: Exporting, { found, names, count, restarts }: FoundFile): Promise<void> {
  const { state, writer } = exporting;
  const source = state.fileCursor!;
  const sizeBytes = found.sizeBytes;
  if (Number.isNaN(sizeBytes)) {
    await found.body.cancel();
    throw ERRORS.STORAGE_UNREACHABLE('the Storage API did not say how long a file is');
  }
  refuseAbove(exporting, sizeBytes);
  // Before the entry is opened: a body that breaks off must leave no half of a file.
  const isWhole = count === null || count >= sizeBytes;
  const bytes = isWhole && sizeBytes <= WHOLE_BYTES ? await readAll(found) : null;
  const entry = await writer.open({
    name: names.add('files/', `${source.bucket}/${source.name}`),
    method: STORED,
    modifiedMs: state.startedMs,
    large: sizeBytes > LARGE_BYTES,
    source,
  });
  if (bytes !== null) return await writeWhole(exporting, { entry, bytes });
  state.file = { ...source, entry, sizeBytes, etag: found.etag, restarts, offset: 0 };
  await copyBody(exporting, state.file, found.body);
}

async function writeWhole(
  { state, writer, budget }: Exporting,
  { entry, bytes }: { entry: number; bytes: Uint8Array },
): Promise<void> {
  await writer.whole(entry, bytes, await sha256Hex(bytes));
  await writer.close(entry);
  state.fileCount += 1;
  state.rawBytes += bytes.length;
  budget.spendFile(bytes.length);
}

async function readAll({ body, sizeBytes }: StorageAnswer): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await new Response(body).arrayBuffer());
  } catch (cause) {
    throw ERRORS.STORAGE_UNREACHABLE('the Storage API broke off a file', { cause });
  }
  if (bytes.length !== sizeBytes) throw cutOff(bytes.length, sizeBytes);
  return bytes;
}

/** True when the file is done, one way or the other. */
async function writeOpenFile(exporting: Exporting, names: EntryNames): Promise<boolean> {
  const { state, project, budget } = exporting;
  const file = state.file!;
  const count = Math.max(1, Math.min(budget.left, file.sizeBytes - file.offset));
  const range = { start: file.offset, count, signal: budget.signal };
  const found = await readStorageFile(project, { bucket: file.bucket, name: file.name, ...range });
  if (found === null || found === 'refused') return abandon(exporting, file, found ?? 'missing');
  if (found.sizeBytes === file.sizeBytes && found.etag === file.etag) {
    await copyBody(exporting, file, found.body);
    return state.file === null;
  }
  await found.body.cancel();
  return await restart(exporting, file, names);
}

/** Another upload took the name in the meantime: a file half of this and half of that would be nobody's. */
async function restart(exporting: Exporting, file: OpenFile, names: EntryNames): Promise<boolean> {
  const { state, writer, project, budget } = exporting;
  if (file.restarts >= MAX_RESTARTS) return abandon(exporting, file, 'changed');
  writer.discard(file.entry);
  state.file = null;
  state.rawBytes -= file.offset;
  const count = Math.max(budget.left, WHOLE_BYTES);
  const found = await readStorageFile(project, { ...state.fileCursor!, start: 0, count, signal: budget.signal });
  if (found === null || found === 'refused') leaveOut(exporting, { ...file, reason: found ?? 'missing' });
  else await writeFound(exporting, { found, names, count, restarts: file.restarts + 1 });
  return state.file === null;
}

function abandon(exporting: Exporting, file: OpenFile, reason: LeftOutFile['reason']): boolean {
  exporting.writer.discard(file.entry);
  exporting.state.file = null;
  exporting.state.rawBytes -= file.offset;
  leaveOut(exporting, { ...file, reason });
  return true;
}

function leaveOut({ state }: Exporting, { bucket, name, reason }: LeftOutFile): void {
  state.leftOut.push({ bucket, name, reason });
}

/** Stops between two chunks when the time is up; the file then goes on from its offset. */
async function copyBody(exporting: Exporting, file: OpenFile, body: ReadableStream<Uint8Array>): Promise<void> {
  const { state, writer, budget } = exporting;
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      await writer.bytes(file.entry, chunk);
      file.offset += chunk.length;
      state.rawBytes += chunk.length;
      budget.spendFile(chunk.length);
      exporting.onProgress?.(state);
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    if (budget.signal?.aborted !== true)
      throw ERRORS.STORAGE_UNREACHABLE('the Storage API broke off a file', { cause: error });
  }
  if (file.offset < file.sizeBytes) {
    // Without a limit nothing would ever go on with it.
    if (budget.signal === undefined) throw cutOff(file.offset, file.sizeBytes);
    return;
  }
  await writer.close(file.entry);
  state.file = null;
  state.fileCount += 1;
}

function refuseAbove({ state, limits }: Exporting, sizeBytes: number): void {
  if (state.rawBytes + sizeBytes > limits.maxBytes) {
    throw ERRORS.EXPORT_TOO_LARGE(`an export must have at most ${limits.maxBytes} bytes`);
  }
}

function cutOff(got: number, of: number) {
  return ERRORS.STORAGE_UNREACHABLE(`the Storage API sent ${got} of ${of} bytes`);
}
