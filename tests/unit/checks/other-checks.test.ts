import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCheck, lintCheck } from '../../../scripts/dev/checks/biome.ts';
import { generatedCheck } from '../../../scripts/dev/checks/generated.ts';
import { sizeCheck } from '../../../scripts/dev/checks/size.ts';
import { denoTypesCheck, nodeTypesCheck } from '../../../scripts/dev/checks/types.ts';
import { problemsOf } from './fixture.ts';

const BIOME = `{
  "formatter": { "indentStyle": "space" },
  "javascript": { "formatter": { "quoteStyle": "single" } }
}
`;
const GOOD = "export const a = 'a';\n";

test('a file that is not formatted, or imports in disorder, fails format', async () => {
  assert.deepEqual(await problemsOf(formatCheck, { files: { 'biome.json': BIOME, 'a.ts': GOOD }, tools: true }), []);
  for (const text of ['export const a   = "a"', "import z from 'z';\nimport a from 'a';\n\nexport { a, z };\n"]) {
    const problems = await problemsOf(formatCheck, { files: { 'biome.json': BIOME, 'a.ts': text }, tools: true });
    assert.match(problems.join(), /a\.ts/);
  }
});

test('a lint error and a lint warning fail lint', async () => {
  assert.deepEqual(await problemsOf(lintCheck, { files: { 'biome.json': BIOME, 'a.ts': GOOD }, tools: true }), []);
  for (const text of ['export const a = (b) => b == 1;\n', 'const unused = 1;\n']) {
    const problems = await problemsOf(lintCheck, { files: { 'biome.json': BIOME, 'a.ts': text }, tools: true });
    assert.match(problems.join(), /a\.ts/, text);
  }
});

test('a type error fails types', async () => {
  const tsconfig = JSON.stringify({ compilerOptions: { strict: true, noEmit: true, types: [] }, include: ['a.ts'] });
  assert.deepEqual(
    await problemsOf(nodeTypesCheck, { files: { 'tsconfig.json': tsconfig, 'a.ts': GOOD }, tools: true }),
    [],
  );
  const bad = await problemsOf(nodeTypesCheck, {
    files: { 'tsconfig.json': tsconfig, 'a.ts': 'export const a: number = "";\n' },
    tools: true,
  });
  assert.match(bad.join(), /a\.ts.*TS2322/);
});

test('a type error in anything that a function reaches fails types-deno, and so does having no function', async () => {
  const files = {
    'deno.json': '{}',
    'supabase/functions/one/index.ts': "import { a } from '../_shared/a.ts';\nDeno.serve(() => new Response(a));\n",
  };
  const shared = 'supabase/functions/_shared/a.ts';
  assert.deepEqual(await problemsOf(denoTypesCheck, { files: { ...files, [shared]: GOOD }, tools: true }), []);
  const bad = await problemsOf(denoTypesCheck, {
    files: { ...files, [shared]: 'export const a: number = "a";\n' },
    tools: true,
  });
  assert.match(bad.join(), /_shared\/a\.ts/);
  // Newer than the edge runtime's TypeScript: what it does not know must not pass.
  const generic = ['Uint8Array', 'ArrayBuffer'].join('<');
  const newer = `export const a: string = "a";\nexport const b = new Uint8Array() as ${generic}>;\n`;
  assert.match(
    (await problemsOf(denoTypesCheck, { files: { ...files, [shared]: newer }, tools: true })).join(),
    /not generic/,
  );
  assert.match(
    (await problemsOf(denoTypesCheck, { files: { 'supabase/functions/_shared/a.ts': GOOD }, tools: true })).join(),
    /no function/,
  );
});

test('a file above 400 lines fails size, one above 300 is a note, a vendored one is left alone', async () => {
  const lines = (count: number) => 'x\n'.repeat(count);
  const files = {
    'scripts/long.ts': lines(401),
    'scripts/most.ts': lines(400),
    'scripts/fair.sql': lines(300),
    'scripts/vendor/v.ts': lines(900),
  };
  assert.deepEqual(await problemsOf(sizeCheck, { files }), ['scripts/long.ts: 401 lines']);
});

test('a generator that says its files are stale fails generated, and those that do not exist are left out', async () => {
  const script = (code: number) =>
    `if (process.argv[2] !== '--check') throw new Error('no --check');\nconsole.log('reference.md is stale');\nprocess.exit(${code});\n`;
  const run = (files: Record<string, string>) => problemsOf(generatedCheck, { files, tools: true });
  assert.deepEqual(await run({ 'a.txt': '' }), []);
  assert.deepEqual(await run({ 'scripts/dev/vendor.ts': script(0) }), []);
  assert.match((await run({ 'scripts/dev/vendor.ts': script(1) })).join(), /reference\.md is stale/);
});
