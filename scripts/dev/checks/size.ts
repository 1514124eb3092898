import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { listFiles } from './list-files.ts';

const LOOK_ABOVE_LINES = 300;
const MOST_LINES = 400;

export const sizeCheck: Check = {
  name: 'size',
  title: `no source file above ${MOST_LINES} lines (above ${LOOK_ABOVE_LINES}: listed)`,
  async run(root) {
    const files = (await listFiles(root, ['supabase', 'scripts', 'tests'])).filter(
      ({ path, symlink }) => !symlink && /\.(ts|sql|sh)$/.test(path),
    );
    const sizes = await Promise.all(
      files.map(async ({ path }) => ({ file: path, lines: await countLines(join(root, path)) })),
    );
    const large = sizes
      .filter(({ lines }) => lines > LOOK_ABOVE_LINES)
      .map(({ file, lines }) => ({ file, lines, message: `${lines} lines` }));
    return {
      problems: large.filter(({ lines }) => lines > MOST_LINES),
      notes: large.filter(({ lines }) => lines <= MOST_LINES),
    };
  },
};

async function countLines(path: string): Promise<number> {
  return (await readFile(path, 'utf8')).replace(/\n$/, '').split('\n').length;
}
