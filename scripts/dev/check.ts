/** `npm run check [-- --only format,lint,…]`: everything that can be said of the code without running it. */
import { Command } from 'commander';
import pc from 'picocolors';
import { formatCheck, lintCheck } from './checks/biome.ts';
import { type Check, type CheckResult, formatFinding } from './checks/check.ts';
import { generatedCheck } from './checks/generated.ts';
import { layersCheck } from './checks/layers.ts';
import { migrationsCheck } from './checks/migrations.ts';
import { pinsCheck } from './checks/pins.ts';
import { sizeCheck } from './checks/size.ts';
import { denoTypesCheck, nodeTypesCheck } from './checks/types.ts';

const CHECKS: readonly Check[] = [
  formatCheck,
  lintCheck,
  nodeTypesCheck,
  denoTypesCheck,
  layersCheck,
  pinsCheck,
  migrationsCheck,
  sizeCheck,
  generatedCheck,
];

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');

async function main(): Promise<number> {
  const names = CHECKS.map((check) => check.name).join(', ');
  const command = new Command('check')
    .description('Checks the repository without running its tests.')
    .option('--only <names>', `comma-separated: ${names}`)
    .parse();
  const only = command.opts<{ only?: string }>().only?.split(',');
  const unknown = only?.filter((name) => !CHECKS.some((check) => check.name === name)) ?? [];
  if (unknown.length > 0) {
    console.error(`there is no check ${unknown.join(', ')}\nHINT: The checks are ${names}.`);
    return 2;
  }
  let failed = 0;
  for (const check of CHECKS.filter(({ name }) => only?.includes(name) ?? true)) {
    if (!(await report(check))) failed += 1;
  }
  if (failed > 0) console.log(pc.red(`${failed} of the checks failed`));
  return failed > 0 ? 1 : 0;
}

async function report(check: Check): Promise<boolean> {
  const startedAt = performance.now();
  const { problems, notes = [] } = await runCheck(check);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const mark = problems.length === 0 ? pc.green('✓') : pc.red('✗');
  console.log(`${mark} ${check.name.padEnd(10)} ${seconds.padStart(5)} s  ${check.title}`);
  for (const finding of problems) console.log(indent(formatFinding(finding)));
  for (const finding of notes) console.log(pc.dim(indent(`note: ${formatFinding(finding)}`)));
  return problems.length === 0;
}

/** A check that cannot be carried out has not passed. */
async function runCheck(check: Check): Promise<CheckResult> {
  try {
    return await check.run(root);
  } catch (error) {
    return {
      problems: [{ file: '', message: `could not be carried out: ${error instanceof Error ? error.message : error}` }],
    };
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

process.exitCode = await main();
