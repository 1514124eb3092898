/** Finds the edge functions of a project and what supabase/config.toml says of each. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { STACK_ERRORS } from './stack-errors.ts';

export interface EdgeFunction {
  readonly name: string;
  readonly entryFile: string;
  /** The function's own deno.json, when it has one. */
  readonly configFile: string | undefined;
  /** The gateway lets only requests with a valid JWT through. */
  readonly verifyJwt: boolean;
}

/** The platform's rule for names: folders that start with `_` or `.` are shared code. */
const FUNCTION_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

interface ConfigToml {
  functions?: Record<string, { verify_jwt?: boolean; enabled?: boolean }>;
}

/** `supabaseDir` holds functions/ and config.toml. Throws STACK_START_FAILED when config.toml is no TOML. */
export async function findFunctions(supabaseDir: string): Promise<EdgeFunction[]> {
  const config = await readConfig(join(supabaseDir, 'config.toml'));
  const folder = join(supabaseDir, 'functions');
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => FUNCTION_NAME.test(name)).sort() : [];
  return names.flatMap((name) => {
    const settings = config.functions?.[name];
    const entryFile = join(folder, name, 'index.ts');
    if (!existsSync(entryFile) || settings?.enabled === false) return [];
    const configFile = join(folder, name, 'deno.json');
    return [
      {
        name,
        entryFile,
        configFile: existsSync(configFile) ? configFile : undefined,
        verifyJwt: settings?.verify_jwt ?? true,
      },
    ];
  });
}

async function readConfig(path: string): Promise<ConfigToml> {
  if (!existsSync(path)) return {};
  try {
    return parse(await readFile(path, 'utf8')) as ConfigToml;
  } catch (error) {
    throw STACK_ERRORS.STACK_START_FAILED(`'${path}' is not valid TOML`, { cause: error, hint: 'Correct the file.' });
  }
}
