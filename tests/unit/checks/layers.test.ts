import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layersCheck } from '../../../scripts/dev/checks/layers.ts';
import { problemsOf } from './fixture.ts';

const SHARED = 'supabase/functions/_shared';

/** Modules that the imports of the tests can hit. */
const TARGETS: Record<string, string> = Object.fromEntries(
  [
    `${SHARED}/domain/tier.ts`,
    `${SHARED}/errors.ts`,
    `${SHARED}/platform-deno.ts`,
    `${SHARED}/platform-node.ts`,
    `${SHARED}/archive/codec.ts`,
    `${SHARED}/archive/contracts.ts`,
    `${SHARED}/stores/store.ts`,
    `${SHARED}/stores/s3-store.ts`,
    `${SHARED}/runs/ledger.ts`,
    `${SHARED}/backup/plan.ts`,
    `${SHARED}/restore/plan.ts`,
    'supabase/functions/backup-trigger/app.ts',
    'supabase/functions/backup-worker/app.ts',
    'scripts/dev/stack.ts',
    'tests/support/operator.ts',
  ].map((path) => [path, 'export {};\n']),
);

async function check(path: string, text: string): Promise<string[]> {
  return await problemsOf(layersCheck, { files: { ...TARGETS, [path]: text } });
}

test('imports along the layers hold', async () => {
  const good: [string, string][] = [
    [`${SHARED}/domain/a.ts`, "import './tier.ts';"],
    [
      `${SHARED}/archive/a.ts`,
      "import type { S } from '../stores/store.ts';\nimport '../domain/tier.ts';\nimport '../errors.ts';",
    ],
    [`${SHARED}/backup/a.ts`, "import '../runs/ledger.ts';\nimport '../stores/s3-store.ts';\nimport './plan.ts';"],
    [
      'supabase/functions/backup-trigger/index.ts',
      "import '../_shared/backup/plan.ts';\nimport '../_shared/platform-deno.ts';\nDeno.serve(() => new Response());",
    ],
    ['scripts/a.ts', "import '../supabase/functions/_shared/backup/plan.ts';\nprocess.exit();"],
    ['tests/a.ts', "import '../scripts/dev/stack.ts';\nconst name = 'x';\nawait import(name);"],
    [
      `${SHARED}/archive/text.ts`,
      "// Deno.env and process.env\nexport const text = 'Deno.env import(x)';\nexport const o = { process: 1, Deno: 2 };\no.process;",
    ],
    [`${SHARED}/archive/own.ts`, 'export function f(process: { env: string }) { return process.env; }'],
  ];
  for (const [path, text] of good) assert.deepEqual(await check(path, text), [], path);
});

test('every import across the layers is found, with file, line and rule', async () => {
  const bad: [string, string, RegExp][] = [
    [`${SHARED}/domain/a.ts`, "import '../errors.ts';", /domain imports nothing of ours/],
    [`${SHARED}/domain/a.ts`, "export type { X } from '../archive/contracts.ts';", /domain imports nothing of ours/],
    [`${SHARED}/archive/a.ts`, "import '../backup/plan.ts';", /archive must not import the procedure backup/],
    [`${SHARED}/archive/a.ts`, "import '../stores/s3-store.ts';", /archive must not import stores/],
    [`${SHARED}/runs/a.ts`, "import '../archive/codec.ts';", /runs must not import archive/],
    [`${SHARED}/backup/a.ts`, "import '../restore/plan.ts';", /procedures do not import each other/],
    [`${SHARED}/backup/a.ts`, "export type T = import('../restore/plan.ts').T;", /procedures do not import each other/],
    [`${SHARED}/backup/a.ts`, "await import('../restore/plan.ts');", /procedures do not import each other/],
    [`${SHARED}/config.ts`, "import './backup/plan.ts';", /must not import the procedure backup/],
    [`${SHARED}/backup/a.ts`, "import '../../backup-trigger/app.ts';", /_shared must not import the function/],
    [`${SHARED}/backup/a.ts`, "import '../../../../scripts/dev/stack.ts';", /not deployed/],
    [`${SHARED}/backup/a.ts`, "import '../../../../tests/support/operator.ts';", /not deployed/],
    [`${SHARED}/backup/a.ts`, "import '../platform-deno.ts';", /only functions/],
    [
      'supabase/functions/backup-trigger/a.ts',
      "import '../backup-worker/app.ts';",
      /functions do not import each other/,
    ],
    ['supabase/functions/backup-trigger/index.ts', "import '../_shared/platform-node.ts';", /only scripts and tests/],
    ['scripts/a.ts', "import './dev/stack.ts';", /part of the product/],
  ];
  for (const [path, text, rule] of bad) {
    const problems = await check(path, `\n${text}`);
    assert.equal(problems.length, 1, `${text}: ${problems}`);
    assert.match(problems[0]!, rule);
    assert.ok(problems[0]!.startsWith(`${path}:2: `), problems[0]);
  }
});

test('imports that a deploy cannot follow are found', async () => {
  const path = `${SHARED}/backup/a.ts`;
  const bad: [string, RegExp][] = [
    ["import './plan';", /end in \.ts/],
    ["import './plan.js';", /end in \.ts/],
    ["import '../archive';", /end in \.ts/],
    ["import './gone.ts';", /there is no/],
    ['const name = "./plan.ts";\nawait import(name);', /no computed imports/],
    ['await import(`./plan.ts`);', /no computed imports/],
    ["import 'npm:zod@4.0.0';", /bare package name/],
    ["import 'https://deno.land/x.ts';", /bare package name/],
    ["import process from 'node:process';\nexport const a = process;", /node:process only/],
  ];
  for (const [text, rule] of bad) {
    const problems = await check(path, text);
    assert.equal(problems.length, 1, `${text}: ${problems}`);
    assert.match(problems[0]!, rule);
  }
});

test('the runtime is spoken to in platform and entry files only', async () => {
  const path = `${SHARED}/backup/a.ts`;
  const uses = [
    'Deno.env.get("A");',
    'process.exit();',
    'EdgeRuntime.waitUntil(p);',
    'globalThis.Deno.exit();',
    "globalThis['process'];",
    'declare const EdgeRuntime: { x: 1 };\nEdgeRuntime.x;',
    'let conn: Deno.Conn;',
    'Buffer.from("");',
    'require("fs");',
    'const a = { Deno };',
  ];
  for (const use of uses) assert.equal((await check(path, use)).length, 1, use);
  assert.deepEqual(await check(`${SHARED}/platform-edge.ts`, 'Deno.env.get("A");'), []);
});

test('symlinks and files that do not parse are found', async () => {
  const linked = await problemsOf(layersCheck, { files: TARGETS, links: { [`${SHARED}/linked.ts`]: 'errors.ts' } });
  assert.match(linked.join(), /linked\.ts: symlinks/);
  assert.match((await check(`${SHARED}/backup/a.ts`, 'const = ;')).join(), /a\.ts:1: /);
});
