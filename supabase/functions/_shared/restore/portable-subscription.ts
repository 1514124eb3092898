import { quoteLiteral } from '../postgres/identifiers.ts';
import type { DumpEntry } from './contracts.ts';
import { codeTokens } from './sql-lexer.ts';

/** pg_dump 17 says it of every subscription of a server 15, which has no other way and does not know the words. */
const RUN_AS_OWNER = /, run_as_owner = true(?=[,)])/;

/** CREATE SUBSCRIPTION of pg_dump as a block that servers before 16 take too; other entries stay as they are. Pure. */
export function portableSubscription(entry: DumpEntry): DumpEntry {
  if (entry.type !== 'SUBSCRIPTION') return entry;
  const tokens = codeTokens(entry.sql);
  const end = tokens.find(({ text }) => text === ';')?.start ?? -1;
  const start = tokens[0]?.start ?? 0;
  const statement = entry.sql.slice(start, end);
  if (end < 0 || !RUN_AS_OWNER.test(statement)) return entry;
  const body = `begin
  if current_setting('server_version_num')::int >= 160000 then
    execute ${quoteLiteral(statement)};
  else
    execute ${quoteLiteral(statement.replace(RUN_AS_OWNER, ''))};
  end if;
end`;
  return { ...entry, sql: `${entry.sql.slice(0, start)}do ${quoteLiteral(body)}${entry.sql.slice(end)}` };
}
