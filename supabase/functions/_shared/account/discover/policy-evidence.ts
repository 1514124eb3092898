/** Which columns policies compare with the caller: `auth.uid() = user_id`. */

const CALLER = String.raw`auth\.uid\(\)`;
const NAME = String.raw`((?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)`;
const COMPARED = [new RegExp(`${CALLER} = ${NAME}`, 'g'), new RegExp(`${NAME} = ${CALLER}`, 'g')];

export interface PolicyEvidence {
  /** Columns of the table that must equal the caller's id. */
  readonly columns: ReadonlySet<string>;
  /** A policy asks for the caller in another way: through another table, a function or a claim. */
  readonly elsewhere: boolean;
}

/** Of expressions as PostgreSQL prints them. Columns of other tables, which a subquery names by an alias, do not count. */
export function policyEvidence(table: string, policies: readonly string[]): PolicyEvidence {
  const columns = new Set<string>();
  let elsewhere = false;
  for (const policy of policies) {
    const found = comparedColumns(plain(policy)).map((name) => ownColumn(name, table));
    for (const column of found) if (column !== null) columns.add(column);
    elsewhere ||= /auth\.(uid|jwt|email)\(\)/.test(plain(policy)) && !found.some((column) => column !== null);
  }
  return { columns, elsewhere };
}

/** Without casts, brackets and the subquery that makes auth.uid() be called once. */
function plain(expression: string): string {
  return expression
    .replace(/\(\s*select auth\.uid\(\) as \w+\s*\)/gi, 'auth.uid()')
    .replace(/::(?:"[^"]+"|[\w.]+)(?: varying)?(?:\[\])*/g, '')
    .replace(/auth\.uid\(\)/g, '\u0001')
    .replace(/[()]/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('\u0001', 'auth.uid()')
    .replace(/auth\.(jwt|email)(?!\()/g, 'auth.$1()');
}

const comparedColumns = (expression: string) =>
  COMPARED.flatMap((pattern) => [...expression.matchAll(pattern)].map((match) => match[1]!));

function ownColumn(name: string, table: string): string | null {
  const parts = [...name.matchAll(/"((?:[^"]|"")+)"|([\w$]+)/g)].map((match) =>
    match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'),
  );
  return parts.length === 1 || parts[0] === table ? parts.at(-1)! : null;
}
