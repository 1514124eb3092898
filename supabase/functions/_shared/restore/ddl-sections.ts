/** The DDL of an archive as entries. A section is read and cut when it is asked for first, and then kept. */
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { Archive, DumpEntry } from './contracts.ts';
import { MARKS_SCHEMA } from './restore-marks.ts';
import { splitDump } from './split-dump.ts';
import { splitSequences } from './split-sequences.ts';

export type DdlSection = 'pre-data' | 'sequences' | 'post-data';

export interface DdlSections {
  /** Throws what reading the archive throws, and ARCHIVE_DAMAGED for a section that is too large to be one. */
  entries(section: DdlSection): Promise<readonly DumpEntry[]>;
}

/** A schema of ten thousand tables is a tenth of it; more is no dump of ours. */
const MAX_SECTION_BYTES = 256 * 1024 * 1024;

export function ddlSections(archive: Archive): DdlSections {
  const read = new Map<DdlSection, Promise<readonly DumpEntry[]>>();
  return {
    entries(section) {
      const known = read.get(section) ?? readSection(archive, section);
      read.set(section, known);
      return known;
    },
  };
}

async function readSection(archive: Archive, section: DdlSection): Promise<readonly DumpEntry[]> {
  const text = await sectionText(archive, section);
  // Values of sequences are lines without headings.
  const entries = section === 'sequences' ? splitSequences(text) : splitDump(text);
  return entries.filter((entry) => !isOfMarks(entry));
}

/** Of a restore that had not ended in the source when it was backed up: this restore keeps marks of its own there. */
function isOfMarks({ type, schema, name }: DumpEntry): boolean {
  return (
    schema === MARKS_SCHEMA ||
    (schema === '' && (type === 'SCHEMA' ? name : name.replace(/^SCHEMA /, '')) === MARKS_SCHEMA)
  );
}

async function sectionText({ manifest, read }: Archive, section: DdlSection): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parts: string[] = [];
  let size = 0;
  for (const path of ddlPaths(manifest, section)) {
    for await (const bytes of read(path)) {
      parts.push(decoder.decode(bytes, { stream: true }));
      size += bytes.length;
      if (size > MAX_SECTION_BYTES)
        throw ERRORS.ARCHIVE_DAMAGED(`${path}: a section of DDL must be at most ${MAX_SECTION_BYTES} bytes`);
    }
  }
  return parts.join('') + decoder.decode();
}

/** The objects of a section, in the order of a restore. */
export function ddlPaths({ schema, objects }: Manifest, section: DdlSection): string[] {
  const kinds = new Map(objects.map((object) => [object.path, object.kind]));
  return schema.sections.filter((path) => kinds.get(path) === section);
}
