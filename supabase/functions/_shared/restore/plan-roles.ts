import type { ConfigMembership, ConfigRole, ProjectConfig } from '../domain/project-config.ts';
import { isReservedRole } from '../domain/reserved-roles.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { setClause } from './config-setting.ts';
import type { TargetFacts } from './contracts.ts';
import { guarded } from './guarded.ts';

const FIRST_WITH_OPTIONS = 160_000;

export interface PlannedRoles {
  readonly sql: readonly string[];
  readonly differences: readonly string[];
  /** Roles that the target will have. */
  readonly known: ReadonlySet<string>;
}

/**
 * Creates the roles that the target lacks, with their settings, and grants memberships: one statement, so that a
 * restore that goes on after an end finds all of it or nothing. A role that is there stays as it is. Memberships between
 * two roles that are there are granted only in a Supabase project; on another server they are other databases' too.
 */
export function planRoles(config: ProjectConfig, target: TargetFacts): PlannedRoles {
  const present = new Set(target.roles);
  const missing = config.roles.filter(({ name }) => !present.has(name) && !isReservedRole(name, config.supabase));
  const known = new Set([...present, ...missing.map(({ name }) => name)]);
  const differences = missing.flatMap((role) => roleDifferences(role, target));
  const granted: string[] = [];
  for (const membership of config.memberships) {
    const { role, member } = membership;
    if (isOwnAdmin(membership, target)) continue;
    const lacking = [role, member].find((name) => !known.has(name));
    if (lacking === undefined) granted.push(grantSql(membership, target));
    else differences.push(`role ${member} is no member of ${role}: the target has no role ${lacking}`);
  }
  if (missing.length + granted.length === 0) return { sql: [], differences, known };
  const body = [
    "declare created text[] := '{}';",
    'begin',
    ...missing.map((role) => createSql(role, config, target)),
    ...granted,
    'end',
  ];
  return { sql: [`do ${quoteLiteral(body.join('\n'))}`], differences, known };
}

/** What only some roles may give, and how SQL says it. */
const PRIVILEGED = {
  superuser: 'superuser',
  create_db: 'createdb',
  replication: 'replication',
  bypass_rls: 'bypassrls',
};
type Privileged = keyof typeof PRIVILEGED;

function privilegedOf(role: ConfigRole): Privileged[] {
  return (Object.keys(PRIVILEGED) as Privileged[]).filter((attribute) => role[attribute]);
}

/** never: by PostgreSQL's rules; perhaps: from 16 on a role gives what it has, and Supabase has rules of its own. */
function mayGive(attribute: Privileged, target: TargetFacts): 'yes' | 'perhaps' | 'never' {
  if (target.superuser) return 'yes';
  if (attribute === 'superuser') return 'never';
  if (target.serverVersionNum >= FIRST_WITH_OPTIONS || target.supabase) return 'perhaps';
  return attribute === 'create_db' ? 'yes' : 'never';
}

function roleDifferences(role: ConfigRole, target: TargetFacts): string[] {
  const { name } = role;
  const lines: string[] = [];
  if (role.login) {
    lines.push(
      `role ${name} can log in but has no password: give it one with alter role ${quoteIdentifier(name)} password`,
    );
  }
  for (const attribute of privilegedOf(role)) {
    const word = PRIVILEGED[attribute].toUpperCase();
    const may = mayGive(attribute, target);
    if (may === 'never') lines.push(`role ${name} is created without ${word}: ${target.role} may not give it`);
    if (may === 'perhaps') lines.push(`role ${name} has ${word} only if ${target.role} may give it: look at pg_roles`);
  }
  return lines;
}

function createSql(role: ConfigRole, config: ProjectConfig, target: TargetFacts): string {
  const name = quoteIdentifier(role.name);
  const options = [
    role.login ? 'login' : 'nologin',
    role.inherit ? 'inherit' : 'noinherit',
    ...(role.create_role ? ['createrole'] : []),
    ...(role.connection_limit === -1 ? [] : [`connection limit ${role.connection_limit}`]),
    ...(role.valid_until === null ? [] : [`valid until ${quoteLiteral(role.valid_until)}`]),
  ];
  const attributes = privilegedOf(role).filter((attribute) => mayGive(attribute, target) !== 'never');
  const settings = config.role_settings.filter((one) => one.role === role.name && !one.in_database);
  const lines = [
    `create role ${name} with ${options.join(' ')};`,
    `created := array_append(created, ${quoteLiteral(role.name)}::text);`,
    ...attributes.map((attribute) => guarded(`alter role ${name} with ${PRIVILEGED[attribute]}`)),
    ...(role.comment === null ? [] : [`comment on role ${name} is ${quoteLiteral(role.comment)};`]),
    ...settings.flatMap((one) =>
      one.value === null ? [] : [guarded(`alter role ${name} ${setClause(one.name, one.value)}`)],
    ),
  ];
  return ifMissing(role.name, lines);
}

function ifMissing(role: string, lines: readonly string[]): string {
  const condition = `not exists (select from pg_catalog.pg_roles where rolname = ${quoteLiteral(role)})`;
  return `if ${condition} then\n${lines.join('\n')}\nend if;`;
}

function grantSql(membership: ConfigMembership, target: TargetFacts): string {
  const [role, member] = [quoteIdentifier(membership.role), quoteIdentifier(membership.member)];
  const grant = guarded(`grant ${role} to ${member}${optionsOf(membership, target)}`);
  if (target.supabase) return grant;
  const either = `array[${quoteLiteral(membership.role)}, ${quoteLiteral(membership.member)}]::text[]`;
  return `if created && ${either} then ${grant} end if;`;
}

function optionsOf(membership: ConfigMembership, { serverVersionNum }: TargetFacts): string {
  const { admin_option, inherit_option, set_option } = membership;
  if (serverVersionNum < FIRST_WITH_OPTIONS) return admin_option ? ' with admin option' : '';
  const options = [
    `admin ${admin_option}`,
    ...(inherit_option === null ? [] : [`inherit ${inherit_option}`]),
    ...(set_option === null ? [] : [`set ${set_option}`]),
  ];
  return ` with ${options.join(', ')}`;
}

/** Whoever creates a role administers it already, and PostgreSQL refuses to grant that back. */
function isOwnAdmin(
  { member, admin_option, inherit_option, set_option }: ConfigMembership,
  target: TargetFacts,
): boolean {
  return member === target.role && admin_option && inherit_option === false && set_option === false;
}
