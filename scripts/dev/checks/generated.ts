import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { runTool } from './run-tool.ts';

/** Each makes files that are committed, and says with --check whether they are what it would make now. */
const GENERATORS = [
  'scripts/dev/vendor.ts',
  'scripts/dev/generate-reference.ts',
  'scripts/dev/generate-config-reference.ts',
];

export const generatedCheck: Check = {
  name: 'generated',
  title: 'vendored and generated files are up to date',
  async run(root) {
    const present = GENERATORS.filter((script) => existsSync(join(root, script)));
    const results = await Promise.all(
      present.map((script) => runTool(root, ['node_modules/.bin/tsx', script, '--check'])),
    );
    return { problems: results.flatMap((result) => result.problems) };
  },
};
