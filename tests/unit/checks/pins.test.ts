import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pinsCheck } from '../../../scripts/dev/checks/pins.ts';
import { problemsOf } from './fixture.ts';

interface Change {
  readonly dependencies?: Record<string, string>;
  readonly lock?: Record<string, unknown>;
  readonly deno?: Record<string, string>;
  readonly functionDeno?: Record<string, string> | null;
  readonly code?: string;
}

function repository(change: Change = {}): Record<string, string> {
  const dependencies = change.dependencies ?? { zod: '4.6.7', hono: '4.13.19', old: 'npm:zod@3.0.0' };
  const packages = change.lock ?? {
    '': { version: '0.1.0', dependencies: { zod: '4.6.7', hono: '4.13.19', old: 'npm:zod@3.0.0' } },
    'node_modules/zod': { version: '4.6.7' },
    'node_modules/hono': { version: '4.13.19' },
    'node_modules/old': { version: '3.0.0' },
  };
  const imports = { zod: 'npm:zod@4.6.7', hono: 'npm:hono@4.13.19', local: './local.mjs' };
  const own =
    change.functionDeno === undefined
      ? { zod: 'npm:zod@4.6.7', 'hono/': 'npm:/hono@4.13.19/', hono: 'npm:hono@4.13.19' }
      : change.functionDeno;
  return {
    'package.json': JSON.stringify({ version: '0.1.0', dependencies }),
    'package-lock.json': JSON.stringify({ packages }),
    'deno.json': JSON.stringify({ imports: change.deno ?? imports }),
    'local.mjs': '',
    'supabase/functions/one/index.ts': "import '../_shared/a.ts';\n",
    'supabase/functions/_shared/a.ts':
      change.code ?? "import 'hono/body-limit';\nimport type { z } from 'zod';\nimport 'node:fs';\n",
    ...(own ? { 'supabase/functions/one/deno.json': JSON.stringify({ imports: own }) } : {}),
  };
}

test('a repository whose versions agree has no problem', async () => {
  assert.deepEqual(await problemsOf(pinsCheck, { files: repository() }), []);
});

test('each way to disagree is found', async () => {
  const bad: [Change, RegExp][] = [
    [
      { dependencies: { zod: '^4.6.7', hono: '4.13.19', old: 'npm:zod@3.0.0' } },
      /versions are exact: zod is '\^4\.6\.7'/,
    ],
    [{ dependencies: { zod: '4.6.7', hono: 'latest', old: 'npm:zod@3.0.0' } }, /versions are exact: hono/],
    [{ dependencies: { zod: '4.6.7', hono: '4.13.19', old: 'npm:zod@^3' } }, /versions are exact: old/],
    [{ dependencies: { zod: '4.6.8', hono: '4.13.19', old: 'npm:zod@3.0.0' } }, /package-lock\.json: zod is 4\.6\.8/],
    [{ dependencies: { zod: '4.6.7', hono: '4.13.19' } }, /package-lock\.json: old is nothing/],
    [{ deno: { zod: 'npm:zod@4.6.6' } }, /deno\.json: 'zod': zod is 4\.6\.6 here and 4\.6\.7/],
    [{ deno: { zod: 'npm:zod' } }, /any version/],
    [{ deno: { ajv: 'npm:ajv@8.0.0' } }, /ajv is not in package\.json/],
    [{ deno: { std: 'jsr:@std/assert@1.0.0' } }, /only npm packages/],
    [{ deno: { local: './gone.mjs' } }, /there is no '\.\/gone\.mjs'/],
    [{ functionDeno: { zod: 'npm:zod@4.6.7' } }, /'hono' is not named, but supabase\/functions\/_shared\/a\.ts/],
    [{ functionDeno: { zod: 'npm:zod@4.6.7', hono: 'npm:hono@4.0.0' } }, /one\/deno\.json: 'hono': hono is 4\.0\.0/],
    [{ functionDeno: null }, /every function has a deno\.json/],
    [{ code: "import 'hono';\nimport 'zod';\nimport 'postgres';\n" }, /'postgres' is not named/],
  ];
  for (const [change, rule] of bad) {
    assert.match((await problemsOf(pinsCheck, { files: repository(change) })).join('\n'), rule, JSON.stringify(change));
  }
});

test('an optional package of another platform that the lock file lost is found: npm ci would fail', async () => {
  const { packages } = JSON.parse(repository()['package-lock.json']!);
  packages['node_modules/zod'].optionalDependencies = { '@zod/darwin': '1.0.0' };
  const lost = await problemsOf(pinsCheck, { files: repository({ lock: packages }) });
  assert.match(lost.join(), /@zod\/darwin, an optional package of node_modules\/zod, has no entry/);
  const found = { ...packages, 'node_modules/@zod/darwin': { version: '1.0.0' } };
  assert.deepEqual(await problemsOf(pinsCheck, { files: repository({ lock: found }) }), []);
});

test('a missing lock file is a problem', async () => {
  const { 'package-lock.json': _, ...files } = repository();
  assert.match((await problemsOf(pinsCheck, { files })).join(), /package-lock\.json: is missing/);
});
