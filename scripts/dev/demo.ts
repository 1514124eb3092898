/** `npm run demo`: the main job from end to end on the local stack. Exits with 0 only if every step held. */
import { Command } from 'commander';
import { runDemo } from './demo/run-demo.ts';
import { tellStory } from './demo/tell-story.ts';

const command = new Command('npm run demo --')
  .description(
    'Backs up a Supabase-shaped database with the edge functions, verifies it, restores it with gpg, zstd and psql, and compares.',
  )
  .option('--rows <n>', 'bookings in the demo database', '20000')
  .option('--pg <major>', 'PostgreSQL 15 or 17', '17')
  .option('--json', 'print one JSON object as the last line')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run demo\n  npm run demo -- --rows 200000 --pg 15\n  npm run demo -- --json | tail -n 1 | jq .\n',
  )
  .parse();

const { rows, pg, json } = command.opts<{ rows: string; pg: string; json?: boolean }>();
if (!/^\d+$/.test(rows) || !['15', '17'].includes(pg)) {
  console.error(`error: --rows must be a whole number and --pg 15 or 17: --rows ${rows} --pg ${pg}`);
  process.exit(2);
}

const story = tellStory((line) => (json ? console.error(line) : console.log(line)));
try {
  const result = await runDemo({ rows: Number(rows), pg: pg === '15' ? 15 : 17 }, story);
  if (json) console.log(JSON.stringify(result));
  process.exitCode = result.verified && result.restored_identical ? 0 : 1;
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
