/** Text as pg_dump writes it, and entries cut from it. */
import type { DumpEntry } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { splitDump } from '../../../supabase/functions/_shared/restore/split-dump.ts';

export const HEAD = `--
-- PostgreSQL database dump
--

-- Dumped from database version 17.2
-- Dumped by pg_dump version 17.2

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

`;
export const TAIL = `--
-- PostgreSQL database dump complete
--

`;

/** An entry with its heading; `-` for what is in no schema. */
export function block(type: string, name: string, sql: string, schema = 'public'): string {
  return `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: owner\n--\n\n${sql}\n\n\n`;
}

export function entriesOf(...blocks: string[]): DumpEntry[] {
  return splitDump(HEAD + blocks.join('') + TAIL);
}

/** `TYPE name` of each. */
export const labels = (entries: readonly DumpEntry[]) => entries.map(({ type, name }) => `${type} ${name}`.trim());
