/**
 * Leaves out of a dump what belongs to the platform and is in every project already: its event triggers, default
 * privileges and publications, comments on its extensions. Nobody but its owner may create them again, so one of them
 * would end a restore. pg_dump heads every entry with its name, type and owner, which is what is looked at:
 *
 *   --
 *   -- Name: supabase_realtime; Type: PUBLICATION; Schema: -; Owner: postgres
 *   --
 */
const HEADING =
  /^-- (?:Data for )?Name: (?<name>.*); Type: (?<type>[A-Z_ ]+); Schema: (?<schema>.*); Owner: ?(?<owner>.*?)(?:; Tablespace: .*)?$/;

const PLATFORM_OWNER = /^(supabase_\w*|dashboard_user|pgbouncer|pgsodium_\w*)$/;
const BY_OWNER = new Set([
  'EVENT TRIGGER',
  'DEFAULT ACL',
  'PUBLICATION',
  'EXTENSION',
  'SCHEMA',
  'FOREIGN DATA WRAPPER',
]);
const MESSAGES_PUBLICATION = 'supabase_realtime_messages_publication';
const REALTIME_PUBLICATION = 'supabase_realtime';
/** Every project has it, empty; which tables are in it is the project's own doing and stays in the dump. */
const ENSURE_REALTIME_PUBLICATION = `do $$ begin
  if not exists (select from pg_catalog.pg_publication where pubname = '${REALTIME_PUBLICATION}') then
    create publication ${REALTIME_PUBLICATION};
  end if;
end $$;

`;
/** pg_dump prints them between entries, on behalf of the next. */
const SESSION_SETTING = /^SET default_(tablespace|table_access_method) = .*;$/;

export interface DumpEntry {
  readonly name: string;
  readonly type: string;
  readonly owner: string;
}

/** The text that stands in for a platform's entry, mostly none; null: it is the project's and stays. Pure. */
export function platformReplacement({ name, type, owner }: DumpEntry): string | null {
  const bare = name.replaceAll('"', '');
  if (type === 'PUBLICATION' && bare === REALTIME_PUBLICATION) return ENSURE_REALTIME_PUBLICATION;
  if (BY_OWNER.has(type) && PLATFORM_OWNER.test(owner)) return '';
  if (type.startsWith('PUBLICATION') && bare.split(' ')[0] === MESSAGES_PUBLICATION) return '';
  if (type === 'COMMENT' && (bare.startsWith('EXTENSION ') || bare === `PUBLICATION ${REALTIME_PUBLICATION}`))
    return '';
  return null;
}

/** The dump without the platform's entries; memory is bounded by one line. */
export async function* dropPlatformEntries(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let replaced = false;
  let opener = ''; // a line "--" that may open a heading; it goes with what follows it
  for await (const line of lines(source)) {
    const heading = opener === '' ? null : HEADING.exec(line.trimEnd());
    const replacement = heading ? platformReplacement(heading.groups as unknown as DumpEntry) : null;
    if (heading) replaced = replacement !== null;
    const isOpener = line === '--\n';
    const text = replaced
      ? (replacement ?? (SESSION_SETTING.test(line.trimEnd()) ? line : ''))
      : opener + (isOpener ? '' : line);
    opener = isOpener ? line : '';
    if (text !== '') yield encoder.encode(text);
  }
  if (!replaced && opener !== '') yield encoder.encode(opener);
}

async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of source) {
    const text = rest + decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n', start); end >= 0; end = text.indexOf('\n', start)) {
      yield text.slice(start, end + 1);
      start = end + 1;
    }
    rest = text.slice(start);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
