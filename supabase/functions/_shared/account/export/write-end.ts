/** What is known only when all data is written: the page for people, the lists for programs, and the end of the ZIP. */
import { centralDirectory } from '../zip/central-directory.ts';
import { DEFLATED } from '../zip/zip-entry.ts';
import type { Exporting } from './exporting.ts';
import { indexPage } from './index-page.ts';
import { metadataOf } from './metadata.ts';
import { METADATA_SCHEMA, METADATA_SCHEMA_NAME } from './metadata-schema.ts';
import type { PackageSink } from './package-sink.ts';

export interface EndFacts {
  readonly exportId: string | null;
  readonly sink: PackageSink;
}

export async function writeEnd(exporting: Exporting, { exportId, sink }: EndFacts): Promise<void> {
  const { state, writer, plan, lang } = exporting;
  const facts = { exportId, finishedMs: Date.now() };
  if (state.jsonDocument !== null) {
    await writer.text(
      state.jsonDocument,
      `,\n"metadata": ${JSON.stringify(metadataOf(exporting, facts), null, 2)}\n}\n`,
    );
    await writer.close(state.jsonDocument);
    state.phase = 'done';
    return;
  }
  const { id: userId, email } = plan.subject;
  await writeText(exporting, 'index.html', indexPage({ state, categories: plan.categories, userId, email, lang }));
  await writeText(exporting, 'files.json', filesIndex(exporting));
  await writeText(exporting, METADATA_SCHEMA_NAME, [`${JSON.stringify(METADATA_SCHEMA, null, 2)}\n`]);
  // Last: it names all the others with their hashes.
  await writeText(exporting, 'metadata.json', [`${JSON.stringify(metadataOf(exporting, facts), null, 2)}\n`]);
  await writeDirectory(exporting, sink);
  state.phase = 'done';
}

async function writeText({ state, writer }: Exporting, name: string, parts: Iterable<string>): Promise<void> {
  const number = await writer.open({ name, method: DEFLATED, modifiedMs: state.startedMs });
  for (const part of parts) await writer.text(number, part);
  await writer.close(number);
}

/** What each file was called, where it had to be renamed or not. */
function* filesIndex({ state }: Exporting): Generator<string> {
  yield '[';
  let begun = false;
  for (const { name: path, source, size, sha256 } of Object.values(state.entries)) {
    if (source === undefined) continue;
    yield `${begun ? ',' : ''}\n${JSON.stringify({ path, bucket: source.bucket, name: source.name, size, sha256 })}`;
    begun = true;
  }
  yield '\n]\n';
}

/** Behind the last entry. In the order of the numbers, which is that of the bytes. */
async function writeDirectory({ state }: Exporting, sink: PackageSink): Promise<void> {
  const number = state.nextEntry++;
  for (const record of centralDirectory(Object.values(state.entries))) await sink.write(number, record);
  await sink.close(number);
}
