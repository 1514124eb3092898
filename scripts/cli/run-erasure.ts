/** The command from its arguments to its exit code. Entry files give it the process's own streams and environment. */
import { writeFile } from 'node:fs/promises';
import type { Sql } from 'postgres';
import type { ErasureCertificate } from '../../supabase/functions/_shared/account/erase/certificate.ts';
import { certificatePage } from '../../supabase/functions/_shared/account/erase/certificate-page.ts';
import type { EraseMeans } from '../../supabase/functions/_shared/account/erase/erase-means.ts';
import type { PlannedErasure } from '../../supabase/functions/_shared/account/erase/erasure-plan.ts';
import { readErasure } from '../../supabase/functions/_shared/account/erase/erasure-row.ts';
import {
  type ExecutedErasure,
  executeErasure,
} from '../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { planErasure } from '../../supabase/functions/_shared/account/erase/plan-erasure.ts';
import { requestErasure } from '../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { tokenHash } from '../../supabase/functions/_shared/account/erase/secret-token.ts';
import { catalogueError } from '../../supabase/functions/_shared/errors/driver-error.ts';
import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { ask, canAsk } from './ask.ts';
import { erasureCommand, type RawErasureOptions } from './erasure-command.ts';
import { checkErasureInput, type ErasureInput, erasureInputInvalid } from './erasure-setup.ts';
import { certificateLines, planLines } from './erasure-text.ts';
import { EXIT } from './exit-code.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportFailure } from './report-failure.ts';
import type { CommandProcess } from './run-restore.ts';
import { line, type Terminal } from './terminal.ts';

/** A busy table, or an application that still writes: tried again, as a job would. */
const ATTEMPTS = 5;
const PAUSE_MS = 2000;

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runErasure({ args, environment, terminal }: CommandProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const command = parseArguments(
      erasureCommand((text) => terminal.stdout.write(text)),
      args,
      erasureInputInvalid,
    );
    if (command === null) return EXIT.ok;
    const raw = command.opts<RawErasureOptions>();
    const input = await checkErasureInput(raw, environment);
    const sql = openDriver(input.databaseUrl, { max: 2, applicationName: 'holdfast erasure', platform: nodePlatform });
    try {
      return await perform(input, sql as unknown as Sql, { raw, terminal, json });
    } finally {
      await sql.end({ timeout: 5 });
    }
  } catch (error) {
    return reportFailure(error instanceof HoldfastError ? error : catalogueError(error), terminal, {
      json,
      verbose: args.includes('--verbose'),
    });
  }
}

interface Output {
  readonly raw: RawErasureOptions;
  readonly terminal: Terminal;
  readonly json: boolean;
}

async function perform({ task, meansWith }: ErasureInput, sql: Sql, output: Output): Promise<number> {
  if (task.kind === 'plan') return await showPlan(sql, task.user, output);
  if (task.kind === 'certificate') return await showCertificate(await readCertificate(sql, task.erasure), output);
  const means = meansWith(sql);
  const erasureId = 'erasure' in task ? task.erasure : await agree(sql, task.user, output);
  const executed = await execute(means, erasureId, output);
  if (executed.state === 'completed') return await showCertificate(executed.certificate, output);
  return showElsewhere(erasureId, output);
}

async function showPlan(sql: Sql, user: string, { terminal, json }: Output): Promise<number> {
  const { plan, decided } = await planErasure(sql, user);
  if (json) line(terminal.stdout, JSON.stringify({ dry_run: true, plan_sha256: decided.sha256, plan }));
  else for (const text of planLines(plan, user)) line(terminal.stdout, text);
  return plan.blockers.length > 0 ? EXIT.badInput : EXIT.ok;
}

/** The plan that is shown is the one that is carried out. Throws CONFIRMATION_MISSING. */
async function agree(sql: Sql, user: string, { raw, terminal, json }: Output): Promise<string> {
  const { erasureId, plan, token } = await requestErasure(sql, {
    userId: user,
    origin: 'operator',
    reason: raw.reason ?? null,
  });
  if (!json && canAsk(terminal)) {
    showTo(terminal, plan, user);
    const answer = await ask(terminal, "Type the user's id to erase all of this: ");
    if (answer.trim().toLowerCase() !== user) {
      await sql`select backup.cancel_erasure(${user}::uuid, ${erasureId}::uuid)`;
      throw ERRORS.CONFIRMATION_MISSING(`the answer must be '${user}': nothing was erased`);
    }
  }
  const [row] = await sql`
    select backup.confirm_erasure(${user}::uuid, ${erasureId}::uuid, ${tokenHash(token)}, null) ->> 'outcome' as outcome`;
  if (row!.outcome !== 'scheduled')
    throw ERRORS.ERASURE_TOKEN_REFUSED(`the plan was confirmed too late: ${row!.outcome}`);
  return erasureId;
}

function showTo({ stderr }: Terminal, plan: PlannedErasure, user: string): void {
  for (const text of planLines(plan, user)) line(stderr, text);
}

async function execute(means: EraseMeans, erasureId: string, { terminal, json }: Output): Promise<ExecutedErasure> {
  const onStep = (step: string) => {
    if (!json && terminal.stderr.isTTY) line(terminal.stderr, `done: ${step}`);
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await executeErasure(means, erasureId, { onStep });
    } catch (error) {
      const known = catalogueError(error);
      if (known.kind !== 'transient' || attempt === ATTEMPTS) {
        throw new HoldfastError(known.code, known, `erasure ${erasureId}: ${known.message}`, {
          cause: error,
          details: { ...known.details, erasure_id: erasureId },
          hint: known.kind === 'transient' ? `${known.hint} (--resume ${erasureId} --yes)` : known.hint,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

async function readCertificate(sql: Sql, erasureId: string): Promise<ErasureCertificate> {
  const row = await readErasure(sql, erasureId);
  if (row?.certificate) return JSON.parse(row.certificate) as ErasureCertificate;
  throw ERRORS.NOT_FOUND(
    row ? `the erasure ${erasureId} is ${row.state}: it has no certificate` : `there is no erasure ${erasureId}`,
  );
}

/** Nothing is left to do: whoever restored this database has erased the person in it. */
function showElsewhere(erasureId: string, { terminal, json }: Output): number {
  if (json)
    line(terminal.stdout, JSON.stringify({ erasure_id: erasureId, completed_elsewhere: true, certificate: null }));
  else line(terminal.stdout, `✅ Erasure ${erasureId} was completed in another database: there is no certificate here`);
  return EXIT.ok;
}

async function showCertificate(certificate: ErasureCertificate, { raw, terminal, json }: Output): Promise<number> {
  if (raw.out !== undefined) {
    const html = /\.html$/i.test(raw.out);
    await writeFile(raw.out, html ? certificatePage(certificate) : `${JSON.stringify(certificate, null, 2)}\n`, {
      mode: 0o600,
    });
  }
  if (json) line(terminal.stdout, JSON.stringify({ certificate }));
  else for (const text of certificateLines(certificate)) line(terminal.stdout, text);
  return EXIT.ok;
}
