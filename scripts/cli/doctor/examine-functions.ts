import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { type Finding, ok, problem, skipped, warning } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

const CONFIG = new URL('../../../supabase/config.toml', import.meta.url);
const TIMEOUT_MS = 15_000;

/** Every function answers from here, and the one for operators says that its own secrets are well. */
export const functions: Examination = {
  name: 'functions',
  title: 'Edge functions',
  needs: 'nothing',
  examine: async ({ environment, functionsUrl, installed }) => {
    if (functionsUrl === null) {
      const mend = "select backup.configure('https://<project ref>.supabase.co/functions/v1');";
      return installed
        ? [problem('address', 'the database does not know where the functions answer', mend)]
        : [skipped('address', 'neither the database nor SUPABASE_URL says where the functions answer', mend)];
    }
    const names = Object.keys((parse(await readFile(CONFIG, 'utf8')) as { functions: object }).functions);
    const answers = await Promise.all(names.map((name) => reach(functionsUrl, name)));
    return [...answers, await secretsOf(functionsUrl, environment)];
  },
};

async function reach(functionsUrl: string, name: string): Promise<Finding> {
  const deploy = `npx supabase functions deploy ${name}`;
  try {
    const response = await fetch(`${functionsUrl}/${name}/`, {
      method: 'GET',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await response.text()).slice(0, 2000);
    // Our functions answer strangers with an error of the catalogue; the gateway's own errors have another shape.
    if (/"error"\s*:\s*\{\s*"code"/.test(text)) return ok(name, `answers (${response.status})`);
    if (response.status === 401) {
      return problem(
        name,
        'the gateway refuses calls without a JWT before they reach it',
        `${deploy} --no-verify-jwt   # verify_jwt = false in supabase/config.toml`,
      );
    }
    return problem(name, `answers ${response.status} and not as one of ours: ${oneLine(text)}`, deploy);
  } catch (error) {
    return problem(name, `does not answer at ${functionsUrl}/${name}: ${reason(error)}`, deploy);
  }
}

async function secretsOf(functionsUrl: string, environment: Patient['environment']): Promise<Finding> {
  const key = environment('SUPABASE_SERVICE_ROLE_KEY');
  if (key === undefined) {
    return skipped(
      'secrets',
      'without SUPABASE_SERVICE_ROLE_KEY nobody here may ask the functions about their secrets',
      'export SUPABASE_SERVICE_ROLE_KEY=… and run this again',
    );
  }
  try {
    const response = await fetch(`${functionsUrl}/backup-trigger/backups?limit=1`, {
      headers: { apikey: key },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return ok('secrets', 'the functions have a configuration that is whole');
    const { error } = (await response.json()) as { error?: { code: string; message: string; hint?: string } };
    if (error?.code === 'UNAUTHENTICATED')
      return problem(
        'secrets',
        'SUPABASE_SERVICE_ROLE_KEY here is not the one of this project',
        'copy it from Project Settings, API Keys',
      );
    return problem(
      'secrets',
      error?.message ?? `backup-trigger answers ${response.status}`,
      error?.hint ?? 'npx supabase secrets list',
    );
  } catch (error) {
    return warning('secrets', `backup-trigger could not be asked: ${reason(error)}`, 'see the logs of backup-trigger');
  }
}

function reason(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string; code?: string } };
  return cause?.code ?? cause?.message ?? message;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 120) || 'nothing';
}
