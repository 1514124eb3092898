import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Check, formatFinding } from '../../../scripts/dev/checks/check.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

export interface Fixture {
  readonly files: Record<string, string>;
  /** Link to the repository's node_modules, for checks that run tools. */
  readonly tools?: boolean;
  readonly links?: Record<string, string>;
}

/** What a check says of a repository that holds only these files, one line for each problem. */
export async function problemsOf(check: Check, { files, tools = false, links = {} }: Fixture): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-check-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    for (const [path, target] of Object.entries(links)) await symlink(target, join(root, path));
    if (tools) await symlink(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
    const { problems } = await check.run(root);
    return problems.map(formatFinding).sort();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
