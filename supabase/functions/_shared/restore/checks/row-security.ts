import type { Check, CheckContext } from '../contracts.ts';
import { type ArchivedEntry, archivedEntries } from './archived-entries.ts';
import { conclude, Findings } from './conclude.ts';
import { missingEntries } from './missing-entries.ts';
import { type PolicyFacts, readPolicies, sameDefinition } from './policy-definitions.ts';
import { runProbe } from './run-probe.ts';
import { serverMajors } from './server-major.ts';

export const rowSecurityCheck: Check = {
  name: 'row-security',
  proves: 'Row level security is on where it was, its policies are the same, and roles see as many rows as they did.',
  async run(context) {
    const findings = new Findings();
    await missingEntries(context, findings, { types: ['ROW SECURITY', 'POLICY'], presentSql: PRESENT });
    await comparePolicies(context, findings);
    const probes = context.config?.rls_probes ?? [];
    for (const { table, reason } of context.config?.rls_probes_left_out ?? []) {
      findings.notes.push(`${table} was not probed when the backup was made: ${reason}`);
    }
    for (const probe of probes) await runProbe(context, probe, findings);
    if (probes.length === 0) {
      findings.unclear.push('the backup noted no probes: what roles see of the tables was not compared');
    }
    return conclude(findings, `policies are the backup's, and ${probes.length} probes saw what they saw then`);
  },
};

const PRESENT = `
  select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity
  union all
  select n.nspname, c.relname || ' ' || p.polname
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace`;

async function comparePolicies(context: CheckContext, findings: Findings): Promise<void> {
  const { entries, renamed } = await archivedEntries(context);
  const archived = new Map<string, ArchivedEntry>();
  // Tables that the backup does not know are the target's own, with their policies.
  const secured = new Set(
    entries.filter(({ type }) => type === 'ROW SECURITY').map((one) => `${one.schema}.${one.name}`),
  );
  for (const entry of entries) if (entry.type === 'POLICY') archived.set(`${entry.schema}.${entry.name}`, entry);
  for (const policy of await readPolicies(context)) {
    const entry = archived.get(policy.key);
    if (entry === undefined) {
      if (secured.has(policy.table)) findings.failed.push(`${policy.label} is not in the backup`);
    } else if (renamed) {
      findings.unclear.push(`${policy.label} was not compared: the restore renamed its schema`);
    } else {
      compare(context, { policy, entry, findings });
    }
  }
}

function compare(
  context: CheckContext,
  { policy, entry, findings }: { policy: PolicyFacts; entry: ArchivedEntry; findings: Findings },
): void {
  if (sameDefinition(policy, entry.sql)) return;
  const { source, target, differ } = serverMajors(context);
  if (differ) {
    findings.unclear.push(
      `${policy.label} is written otherwise, perhaps only by PostgreSQL ${target} in place of ${source}`,
    );
  } else {
    findings.failed.push(`${policy.label} is not defined as in the backup`);
  }
}
