/** What races: three ways to bring one database, compressed and encrypted, into one bucket. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';
import { readKey } from 'openpgp';
import type { Oracle } from '../oracle/ensure-oracle.ts';
import { REPOSITORY } from '../stack/repository.ts';
import type { Stack } from '../stack/start-stack.ts';

export interface Contestant {
  readonly name: 'holdfast' | 'pg_dump_zstd_gpg' | 'pg_dump_custom_gpg';
  /** For bash; no secret is in it: those are in the environment and in files. */
  readonly script: string;
}

export interface Field {
  readonly field: readonly Contestant[];
  readonly environment: NodeJS.ProcessEnv;
  /** How the pipelines' output comes into the bucket. */
  readonly upload: string;
}

const PIPELINE_KEY = 'bench/database.pgp';
const PRESIGNED_SECONDS = 7200;

/** `directory` is for GnuPG's home, the upload's configuration and, with curl, the pipelines' output. */
export async function contestants(
  stack: Stack,
  { oracle, directory }: { oracle: Oracle; directory: string },
): Promise<Field> {
  const { env } = stack;
  const environment: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8' };
  environment.GNUPGHOME = join(directory, 'gnupg');
  Object.assign(environment, databaseVariables(env.DATABASE_URL!));
  for (const [name, value] of Object.entries(env)) {
    if (name === 'DATABASE_URL' || name.startsWith('BACKUP_')) environment[name] = value;
  }
  const gpg = await gpgCommand(env.BACKUP_PGP_PUBLIC_KEYS_FILE!, environment);
  const upload = await chooseUpload(env, { directory, environment });
  const pipeline = (dump: string) => upload.script(`${dump} | ${gpg}`);
  const program = join(REPOSITORY, 'scripts', 'export-critical-data.ts');
  // As the npm scripts start it; the loader by its address, because the race runs in a directory of its own.
  const node = `'${process.execPath}' --import '${import.meta.resolve('tsx')}'`;
  return {
    environment,
    upload: upload.description,
    field: [
      { name: 'holdfast', script: `${node} '${program}' --mode full --format copy --codec zstd --encrypt --json` },
      { name: 'pg_dump_zstd_gpg', script: pipeline(`'${oracle.pgDump}' | zstd -1 -q`) },
      { name: 'pg_dump_custom_gpg', script: pipeline(`'${oracle.pgDump}' -Fc -Z 6`) },
    ],
  };
}

/** As libpq reads them. */
function databaseVariables(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  };
}

async function gpgCommand(publicKeyFile: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const key = await readKey({ armoredKey: await readFile(publicKeyFile, 'utf8') });
  const base = ['--batch', '--no-tty', '--quiet', '--no-autostart'];
  const imported = spawnSync('gpg', [...base, '--import', publicKeyFile], { env: environment, encoding: 'utf8' });
  if (imported.status !== 0) throw new Error(`gpg does not import the key: ${imported.stderr ?? imported.error}`);
  const recipient = key.getFingerprint().toUpperCase();
  return `gpg ${base.join(' ')} --trust-model always -z 0 --encrypt -r ${recipient}`;
}

interface Upload {
  readonly description: string;
  script(producer: string): string;
}

/** rclone sends while the pipeline still runs; without it, a file and curl, which sign nothing but the URL. */
async function chooseUpload(
  env: Readonly<Record<string, string>>,
  { directory, environment }: { directory: string; environment: NodeJS.ProcessEnv },
): Promise<Upload> {
  const rclone = spawnSync('rclone', ['version'], { env: environment, encoding: 'utf8' });
  if (rclone.status === 0) {
    Object.assign(environment, rcloneVariables(env));
    const target = `bench:${env.BACKUP_S3_BUCKET}/${env.BACKUP_S3_PREFIX}/${PIPELINE_KEY}`;
    return {
      description: `${rclone.stdout.split('\n')[0]}, rclone rcat`,
      script: (producer) => `${producer} | rclone rcat --quiet '${target}'`,
    };
  }
  const file = join(directory, 'database.pgp');
  const config = join(directory, 'curl.conf');
  await writeFile(config, `url = "${await presignedPut(env)}"\nupload-file = "${file}"\n`, { mode: 0o600 });
  return {
    description: 'a file, then curl -T to a presigned URL',
    script: (producer) => `${producer} > '${file}'; curl --silent --show-error --fail -K '${config}'; rm '${file}'`,
  };
}

function rcloneVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
    RCLONE_CONFIG_BENCH_ENDPOINT: env.BACKUP_S3_ENDPOINT!,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: env.BACKUP_S3_ACCESS_KEY_ID!,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: env.BACKUP_S3_SECRET_ACCESS_KEY!,
    RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
  };
}

async function presignedPut(env: Readonly<Record<string, string>>): Promise<string> {
  const key = `${env.BACKUP_S3_PREFIX}/${PIPELINE_KEY}`;
  const signer = new AwsV4Signer({
    method: 'PUT',
    url: `${env.BACKUP_S3_ENDPOINT}/${env.BACKUP_S3_BUCKET}/${key}?X-Amz-Expires=${PRESIGNED_SECONDS}`,
    accessKeyId: env.BACKUP_S3_ACCESS_KEY_ID!,
    secretAccessKey: env.BACKUP_S3_SECRET_ACCESS_KEY!,
    region: env.BACKUP_S3_REGION!,
    service: 's3',
    signQuery: true,
  });
  return (await signer.sign()).url.toString();
}
