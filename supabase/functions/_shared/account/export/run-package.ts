/** The conductor: rows, files, end, as far as the budget goes. The same for an answer, a job's slice and the command line. */
import { inSnapshot } from '../in-snapshot.ts';
import { STORED } from '../zip/zip-entry.ts';
import type { ExportState } from './export-state.ts';
import type { Exporting } from './exporting.ts';
import type { PackageSink } from './package-sink.ts';
import { PackageWriter } from './package-writer.ts';
import { writeEnd } from './write-end.ts';
import { writeFiles } from './write-files.ts';
import { writeRows } from './write-rows.ts';

export interface PackageRun extends Omit<Exporting, 'writer'> {
  readonly state: ExportState;
  readonly sink: PackageSink;
  readonly format: 'zip' | 'json';
  readonly exportId: string | null;
}

/**
 * Goes on from the state, which afterwards says whether the phase is `done`, or from where the next call goes on. Throws
 * what reading rows and files throws, EXPORT_TOO_LARGE, and the sink's errors: the state is then to be thrown away.
 */
export async function runPackage(run: PackageRun): Promise<void> {
  const { state, sink, format, exportId } = run;
  const writer = new PackageWriter(state, sink, { framed: format === 'zip' });
  const exporting: Exporting = { ...run, writer };
  if (format === 'json' && state.jsonDocument === null) {
    const name = 'personal-data.json';
    state.jsonDocument = await writer.open({ name, method: STORED, modifiedMs: state.startedMs, large: true });
    await writer.text(state.jsonDocument, '{"data": {');
  }
  if (state.phase === 'rows') {
    await (run.oneSnapshot ? inSnapshot(run.session, () => writeRows(exporting)) : writeRows(exporting));
  }
  if (state.phase === 'files' && !run.budget.over) await writeFiles(exporting);
  if (state.phase === 'end' && !run.budget.over) await writeEnd(exporting, { exportId, sink });
  await writer.flush();
}
