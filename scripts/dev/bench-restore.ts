/** `npm run bench:restore`: our restore beside pg_restore and psql, on this machine. Writes .bench/restore.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { machineFacts } from './bench/machine-facts.ts';
import { raceRestores } from './bench/restore-race.ts';
import { REPOSITORY } from './stack/repository.ts';
import { startStack } from './stack/start-stack.ts';

const TARGETS = [
  { title: 'speed against pg_restore -j 2 of a custom-format dump', name: 'vs_pg_restore_j2', atLeast: 1 },
  { title: 'speed against psql of a plain dump', name: 'vs_psql', atLeast: 1.5 },
  { title: 'peak resident memory, MB', name: 'peak_rss_mb', atMost: 300 },
] as const;

const program = new Command('npm run bench:restore --')
  .description('Measures restores of one database by Holdfast, pg_restore -j 2 and psql, each into a fresh database.')
  .option('--rows <count>', 'bookings in the database: 1410000 are about 1 GB of COPY text', wholeNumber, 1_410_000)
  .option('--rounds <count>', 'how often each one runs; the best counts', wholeNumber, 2)
  .option('--json', 'print the results as one JSON object, and nothing else on standard output')
  .option('--enforce', 'exit with 1 when a target is missed')
  .addHelpText(
    'after',
    '\nExamples:\n  $ npm run bench:restore\n  $ npm run bench:restore -- --rows 100000 --rounds 1\n',
  );

interface BenchArguments {
  readonly rows: number;
  readonly rounds: number;
  readonly json?: boolean;
  readonly enforce?: boolean;
}

try {
  await main(program.parse().opts<BenchArguments>());
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main({ rows, rounds, json, enforce }: BenchArguments): Promise<void> {
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  const startedAt = new Date().toISOString();
  say(`starting PostgreSQL 17 with ${rows} bookings`);
  const stack = await startStack({ pg: 17, rows, workers: 1 });
  try {
    const race = await raceRestores(stack, { rounds, say });
    const values: Record<string, number> = { ...race.ratios, peak_rss_mb: race.peak_rss_mb };
    const verdicts = TARGETS.map((target) => ({
      ...target,
      measured: values[target.name]!,
      held: holds(target, values),
    }));
    const results = {
      started_at: startedAt,
      machine: machineFacts(),
      command: { rows, rounds },
      ...race,
      targets: verdicts,
    };
    const text = JSON.stringify(results, null, 2);
    await mkdir(join(REPOSITORY, '.bench'), { recursive: true });
    await writeFile(join(REPOSITORY, '.bench', 'restore.json'), `${text}\n`);
    if (json) process.stdout.write(`${text}\n`);
    else
      for (const { title, measured, held } of verdicts)
        process.stdout.write(`${held ? '✓' : '✗'} ${title}: ${measured.toFixed(2)}\n`);
    if (enforce && verdicts.some(({ held }) => !held)) process.exitCode = 1;
  } finally {
    await stack.stop();
  }
}

function holds(target: (typeof TARGETS)[number], values: Record<string, number>): boolean {
  const value = values[target.name]!;
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}

function wholeNumber(text: string): number {
  if (/^\d{1,8}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}
