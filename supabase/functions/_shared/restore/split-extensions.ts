import type { DumpEntry } from './contracts.ts';

/** As a backup of a Supabase project writes them in front of pg_dump's text; pg_dump's own are upper case with headings. */
const STATEMENT = /^create extension if not exists "((?:[^"]|"")+)" with schema "(?:[^"]|"")+";\n/gm;

/** The head of a dump without its extensions, and each of them as an entry, so that a restore may go without one. Pure. */
export function splitExtensions(head: DumpEntry): DumpEntry[] {
  const extensions = [...head.sql.matchAll(STATEMENT)].map(([sql, name]) => {
    return { name: name!.replaceAll('""', '"'), type: 'EXTENSION', schema: '', owner: '', sql };
  });
  return extensions.length === 0 ? [head] : [{ ...head, sql: head.sql.replaceAll(STATEMENT, '') }, ...extensions];
}

/** True for what makes the extension, or says something of it. */
export function isOfExtension({ type, name }: DumpEntry, isLeftOut: (extension: string) => boolean): boolean {
  if (type === 'EXTENSION') return isLeftOut(name);
  return (
    type === 'COMMENT' &&
    name.startsWith('EXTENSION ') &&
    isLeftOut(name.slice('EXTENSION '.length).replaceAll('"', ''))
  );
}
