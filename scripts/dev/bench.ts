/** `npm run bench`: our numbers beside those of standard tools, on this machine. Writes .bench/export.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { renderBench } from './bench/render-bench.ts';
import { type BenchPart, runBench } from './bench/run-bench.ts';
import { judge } from './bench/targets.ts';
import { REPOSITORY } from './stack/repository.ts';

const PARTS: readonly BenchPart[] = ['export', 'worker', 'projection'];

interface BenchArguments {
  rows: number;
  pg: '15' | '17';
  only: ReadonlySet<BenchPart>;
  json?: boolean;
  enforce?: boolean;
}

const program = new Command('npm run bench --')
  .description('Measures exports against pg_dump pipelines, the cost of worker calls, and projects larger databases.')
  .option('--rows <count>', 'bookings in the database: 1410000 are about 1 GB of COPY text', wholeNumber, 1_410_000)
  .addOption(new Option('--pg <major>', 'major version of PostgreSQL').choices(['15', '17']).default('17'))
  .option('--only <parts>', `of ${PARTS.join(', ')}: those to measure, separated by commas`, parseParts, new Set(PARTS))
  .option('--json', 'print the results as one JSON object, and nothing else on standard output')
  .option('--enforce', 'exit with 1 when a target is missed')
  .addHelpText(
    'after',
    `
Examples:
  $ npm run bench                              all of it: about six minutes, and nothing else should run
  $ npm run bench -- --only export             the race of exports alone
  $ npm run bench -- --rows 100000 --only worker,projection
  $ npm run bench -- --json | jq .ratios
`,
  );

const options = program.parse().opts<BenchArguments>();
try {
  await main(options);
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main({ rows, pg, only, json, enforce }: BenchArguments): Promise<void> {
  const results = await runBench({
    rows,
    pg: pg === '15' ? 15 : 17,
    parts: only,
    say: (text) => process.stderr.write(`  ${text}\n`),
  });
  const verdicts = judge(results);
  const file = join(REPOSITORY, '.bench', 'export.json');
  await mkdir(join(REPOSITORY, '.bench'), { recursive: true });
  const text = JSON.stringify({ ...results, targets: verdicts }, null, 2);
  await writeFile(file, `${text}\n`);
  process.stdout.write(json ? `${text}\n` : `${renderBench(results, verdicts)}\n\n  all numbers: ${file}\n`);
  if (enforce && verdicts.some(({ held }) => !held)) process.exitCode = 1;
}

function wholeNumber(text: string): number {
  // As many as the demo data can hold.
  if (/^\d{1,8}$/.test(text) && Number(text) >= 1000 && Number(text) <= 9_000_000) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1000 to 9000000.');
}

function parseParts(text: string): Set<BenchPart> {
  const parts = text.split(',').map((part) => part.trim());
  const unknown = parts.filter((part) => !PARTS.some((known) => known === part));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`It must name parts of ${PARTS.join(', ')}: ${unknown.join(', ')}.`);
  return new Set(parts as BenchPart[]);
}
