/** Who may import whom, and who may speak to the runtime. Reads every module's syntax, so comments and texts do not count. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import type { Check, Finding } from './check.ts';
import { isPlatformFile, layerOf } from './layer-of.ts';
import { brokenLayerRule } from './layer-rules.ts';
import { listFiles } from './list-files.ts';
import { type ModuleImport, readModule } from './read-module.ts';

export const layersCheck: Check = {
  name: 'layers',
  title: 'imports follow the layer rule, and only platform files speak to the runtime',
  async run(root) {
    const files = await listFiles(root, ['supabase', 'scripts', 'tests']);
    const links = files
      .filter((file) => file.symlink)
      .map(({ path }) => ({ file: path, message: 'symlinks do not survive a deploy' }));
    const modules = files.filter(({ path, symlink }) => !symlink && path.endsWith('.ts'));
    const found = await Promise.all(modules.map(({ path }) => checkModule(root, path)));
    return { problems: [...links, ...found.flat()] };
  },
};

async function checkModule(root: string, path: string): Promise<Finding[]> {
  const facts = readModule(path, await readFile(`${root}/${path}`, 'utf8'));
  const finding = (line: number, message: string): Finding => ({ file: path, line, message });
  return [
    ...facts.syntaxErrors.map(({ line, message }) => finding(line, message)),
    ...facts.imports.flatMap((one) => {
      const rule = importRule(root, path, one);
      return rule ? [finding(one.line, rule)] : [];
    }),
    ...facts.globals.flatMap(({ name, line }) => {
      const rule = globalRule(path, name);
      return rule ? [finding(line, rule)] : [];
    }),
  ];
}

function importRule(root: string, path: string, { specifier }: ModuleImport): string | null {
  const deployed = isDeployedPath(path);
  if (specifier === null) return deployed ? 'no computed imports: the deploy cannot follow them' : null;
  if (specifier.startsWith('.')) return relativeRule(root, path, specifier);
  if (!deployed) return null;
  if (/^node:process$|^process$/.test(specifier) && !isPlatformFile(path))
    return `${specifier} only in platform-*.ts and entry files`;
  if (/^(npm|jsr|https?):|^\//.test(specifier))
    return `write the bare package name, pinned in deno.json: '${specifier}'`;
  return null;
}

const LOADABLE = /\.(ts|json|mjs|d\.mts)$/;

function relativeRule(root: string, path: string, specifier: string): string | null {
  if (!LOADABLE.test(specifier)) return `relative imports end in .ts: '${specifier}'`;
  const target = join(dirname(path), specifier);
  if (!existsSync(`${root}/${target}`)) return `there is no ${target}`;
  return brokenLayerRule(path, target);
}

function globalRule(path: string, name: string): string | null {
  if (!isDeployedPath(path)) return null;
  const bare = name.replace('globalThis.', '');
  if (bare === 'Deno' || bare === 'EdgeRuntime' || bare === 'process') {
    return isPlatformFile(path) ? null : `${name} only in platform-*.ts and entry files`;
  }
  return `${name} does not exist in both runtimes`;
}

function isDeployedPath(path: string): boolean {
  return !['scripts', 'dev', 'tests', 'elsewhere'].includes(layerOf(path).kind);
}
