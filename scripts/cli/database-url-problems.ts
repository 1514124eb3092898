import { parseConnectionUrl } from '../../supabase/functions/_shared/postgres/connection-url.ts';
import { problemsOf } from './problems-of.ts';

const TRANSACTION_POOLER_PORT = 6543;

/**
 * What is wrong with a connection URL, each beginning with `name`; never its password. A transaction pooler gives every
 * transaction another connection: settings and COPY streams do not survive that.
 */
export function databaseUrlProblems(url: string, name: string): string[] {
  try {
    const { hostname, port } = parseConnectionUrl(url);
    if (!hostname.endsWith('.pooler.supabase.com') || port !== TRANSACTION_POOLER_PORT) return [];
    return [
      `${name} must not be the transaction pooler (port 6543): use the session pooler (port 5432) or a direct connection`,
    ];
  } catch (error) {
    const found = problemsOf(error);
    return (found.length > 0 ? found : [(error as Error).message]).map((problem) => `${name}: ${problem}`);
  }
}
