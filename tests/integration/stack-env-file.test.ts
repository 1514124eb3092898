import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEnv, renderEnv, writeEnvFile } from '../../scripts/dev/stack/env-file.ts';
import { readFunctionsEnv } from '../../scripts/dev/stack/functions-env.ts';

const value = fc
  .string({ unit: 'binary', maxLength: 60 })
  .filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
const quotes = fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', 'a', '=', '#', '!') });
const anyEnv = fc.dictionary(fc.stringMatching(/^HF_[A-Z0-9_]{0,8}$/), fc.oneof(value, quotes), { maxKeys: 6 });

test('whatever the values are, a shell and parseEnv read them back', () => {
  fc.assert(
    fc.property(anyEnv, (env) => {
      const text = renderEnv(env);
      assert.deepEqual(parseEnv(text), { ...env });
      const shell = spawnSync('sh', ['-c', `set -a\n${text}env -0`], { env: { PATH: process.env.PATH } });
      const seen = shell.stdout
        .toString()
        .split('\0')
        .filter((line) => line.startsWith('HF_'));
      assert.deepEqual(new Set(seen), new Set(Object.entries(env).map(([name, text]) => `${name}=${text}`)));
    }),
    { numRuns: 100 },
  );
});

test('a name that is no variable is refused', () => {
  for (const name of ['a b', '1A', 'A-B', '', 'A;rm']) {
    assert.throws(() => renderEnv({ [name]: '' }), { code: 'STACK_OPTION_INVALID' });
  }
});

test('secrets of the functions are read with quotes, comments, export and lines inside of quotes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-env-'));
  const path = join(dir, 'secrets.env');
  const read = async (text: string) => {
    await writeFile(path, text);
    return await readFunctionsEnv(path);
  };
  try {
    assert.deepEqual(
      await read(
        `# ours\nA=1 # one\n\nexport B="two words"\nKEY="-----BEGIN\nline = 2\nsaid 'three'\n-----END"\nEMPTY=\r\n`,
      ),
      { A: '1', B: 'two words', KEY: "-----BEGIN\nline = 2\nsaid 'three'\n-----END", EMPTY: '' },
    );
    await assert.rejects(read('A=1\nnonsense\n=x\n'), { code: 'STACK_OPTION_INVALID', message: /line 2 .*; line 3 / });
    await assert.rejects(read('SUPABASE_DB_URL=x'), { message: /SUPABASE_DB_URL: names are letters/ });
    await assert.rejects(read('A-B=x'), { message: /A-B: names are letters/ });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('the file can be read by its owner only, also when it is written again', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-env-'));
  try {
    for (const text of ['one', 'two']) await writeEnvFile(join(dir, 'env'), { A: text });
    assert.equal((await stat(join(dir, 'env'))).mode & 0o777, 0o600);
  } finally {
    await rm(dir, { recursive: true });
  }
});
