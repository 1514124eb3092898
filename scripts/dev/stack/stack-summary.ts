/** What `npm run stack` prints when the stack is ready. */
import { relative } from 'node:path';
import pc from 'picocolors';
import type { Stack } from './start-stack.ts';

export function renderSummary(stack: Stack, { seconds, detached }: { seconds: number; detached: boolean }): string {
  const { env, parts } = stack;
  const dir = relative(process.cwd(), stack.dir) || '.';
  const shown = dir.startsWith('..') ? stack.dir : dir;
  const s3 = parts.s3 === 's3rver' ? 's3rver (checks no signature and no hash)' : 'Ceph RGW';
  const lines = [
    ['project', env.SUPABASE_URL],
    ['functions', parts.functions.length > 0 ? parts.functions.join(', ') : 'none yet'],
    ['database', `${env.DATABASE_URL}  (${parts.database}, role postgres)`],
    ['S3', `${env.BACKUP_S3_ENDPOINT}/${env.BACKUP_S3_BUCKET}  (${s3})`],
    ['keys', `${shown}/keys`],
    ['logs', `${shown}/logs`],
  ];
  const table = lines.map(([name, value]) => `  ${pc.dim((name ?? '').padEnd(10))}${value}`).join('\n');
  const stop = detached ? `npm run stack -- --stop${dir === '.stack' ? '' : ` --dir ${shown}`}` : 'Ctrl-C';
  return [
    pc.bold(pc.green(`The stack is ready after ${seconds.toFixed(1)} s.`)),
    table,
    `  Use it from a shell: ${pc.cyan(`set -a; . ${shown}/env; set +a`)}`,
    `  Stop it: ${pc.cyan(stop)}`,
  ].join('\n');
}
