import type { Check } from './check.ts';
import { runTool } from './run-tool.ts';

const BIOME = 'node_modules/.bin/biome';

export const formatCheck: Check = {
  name: 'format',
  title: 'files are formatted and imports sorted (npm run format)',
  run: (root) => runTool(root, [BIOME, 'check', '--linter-enabled=false', '--colors=off', '.']),
};

export const lintCheck: Check = {
  name: 'lint',
  title: 'no lint errors or warnings',
  run: (root) => runTool(root, [BIOME, 'lint', '--error-on-warnings', '--colors=off', '.']),
};
