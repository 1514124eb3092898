/** The command around the engine: what is refused, in which words, with which exit code, and what is asked of whom. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { generateKey } from 'openpgp';
import { ask } from '../../../scripts/cli/ask.ts';
import { EXIT, exitCodeOfName } from '../../../scripts/cli/exit-code.ts';
import { runRestore } from '../../../scripts/cli/run-restore.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';

const TARGET = 'postgres://someone:very-secret@localhost:1/nothing';

let folder: string;
let lockedKey: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-restore-'));
  const { privateKey } = await generateKey({ userIDs: [{ name: 'Locked' }], passphrase: 'sesame', format: 'armored' });
  lockedKey = join(folder, 'locked.asc');
  writeFileSync(lockedKey, privateKey);
});

after(() => rmSync(folder, { recursive: true, force: true }));

function fakeTerminal({ tty }: { tty: boolean }) {
  const written = { stdout: '', stderr: '' };
  const stdin = Object.assign(new PassThrough(), { isTTY: tty });
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: tty,
    write(text: string) {
      written[name] += text;
    },
  });
  return { stdin, stdout: stream('stdout'), stderr: stream('stderr'), written };
}

async function run(args: string[], environment: Record<string, string> = {}) {
  const terminal = fakeTerminal({ tty: false });
  const code = await runRestore({ args, environment: (name) => environment[name], terminal });
  return { code, ...terminal.written };
}

test('options, variables, files and the target are one list, before anything is read', async () => {
  const { code, stdout } = await run(
    [
      '--jobs',
      'many',
      '--from',
      join(folder, 'nowhere'),
      '--report',
      join(folder, 'no', 'r.md'),
      '--verify-key-file',
      lockedKey,
      '--json',
    ],
    {
      RESTORE_TARGET_URL: 'postgres://x@localhost/d?sslmode=maybe',
      BACKUP_PGP_PRIVATE_KEYS_FILE: join(folder, 'none'),
    },
  );
  assert.equal(code, EXIT.badInput);
  const { error } = JSON.parse(stdout);
  assert.equal(error.code, 'CONFIG_INVALID');
  const all: string[] = error.details.problems;
  const starts = [
    'a backup must be named',
    '--jobs',
    '--from',
    '--report',
    '--verify-key-file',
    'RESTORE_TARGET_URL: sslmode',
    'BACKUP_PGP_PRIVATE_KEYS_FILE',
  ];
  for (const start of starts)
    assert.ok(
      all.some((problem) => problem.startsWith(start)),
      `${start} in\n${all.join('\n')}`,
    );
  assert.equal(all.length, starts.length);
});

test('a password is in no message', async () => {
  const { code, stdout, stderr } = await run(['latest', '--from', folder, '--target', `${TARGET}?colour=very-secret`]);
  assert.equal(code, EXIT.badInput);
  assert.match(stderr, /parameter 'colour' is not known/);
  assert.equal((stdout + stderr).includes('very-secret'), false);
});

test('an option that does not exist, and a second backup, are bad input', async () => {
  assert.equal((await run(['latest', '--colour'])).code, EXIT.badInput);
  assert.equal((await run(['latest', 'another', '--target', TARGET])).code, EXIT.badInput);
});

test('help goes to stdout and ends well', async () => {
  const { code, stdout, stderr } = await run(['--help']);
  assert.equal(code, EXIT.ok);
  assert.equal(stderr, '');
  for (const text of ['--rename-schema', 'RESTORE_TARGET_URL', 'Examples:', 'Exit codes:'])
    assert.ok(stdout.includes(text), text);
});

test('without a terminal nothing is asked: replacing needs --yes, a locked key its variable', async () => {
  const base = ['latest', '--from', folder, '--target', TARGET];
  const replace = await run([...base, '--on-conflict', 'replace', '--private-key-file', lockedKey]);
  assert.equal(replace.code, EXIT.badInput);
  assert.match(replace.stderr, /--on-conflict replace needs --yes/);
  assert.match(replace.stderr, /BACKUP_PGP_PASSPHRASE must be set/);
  const given = await run([...base, '--on-conflict', 'replace', '--yes', '--private-key-file', lockedKey], {
    BACKUP_PGP_PASSPHRASE: 'wrong',
  });
  assert.equal(given.code, EXIT.badInput);
  assert.match(given.stderr, /passphrase does not unlock the private key/);
});

test('a backup that is not there is bad input that names the place', async () => {
  const { code, stderr } = await run(['latest', '--from', folder, '--target', TARGET]);
  assert.equal(code, EXIT.badInput);
  assert.match(stderr, /there is no backup in .*holdfast-restore-/);
});

test('a hidden answer is never shown, a shown one is', async () => {
  const hidden = fakeTerminal({ tty: true });
  const answer = ask(hidden, 'Passphrase: ', { hidden: true });
  hidden.stdin.write('sesame\n');
  assert.equal(await answer, 'sesame');
  assert.equal(hidden.written.stderr, 'Passphrase: \n');
  const shown = fakeTerminal({ tty: true });
  const name = ask(shown, 'Name: ');
  shown.stdin.write('bookings\n');
  assert.equal(await name, 'bookings');
  assert.ok(shown.written.stderr.includes('bookings'));
});

test('nobody to ask, an ended input and Ctrl-C are no answer', async () => {
  const refused = (error: unknown) => error instanceof HoldfastError && error.code === 'CONFIRMATION_MISSING';
  await assert.rejects(ask(fakeTerminal({ tty: false }), 'Name: '), refused);
  const ended = fakeTerminal({ tty: true });
  const answer = ask(ended, 'Name: ');
  ended.stdin.end();
  await assert.rejects(answer, refused);
  const pressed = fakeTerminal({ tty: true });
  const other = ask(pressed, 'Name: ');
  pressed.stdin.write('\u0003');
  await assert.rejects(other, refused);
});

test('the error of a failed report ends the script with the exit code of the catalogue', () => {
  assert.deepEqual(
    ['RESTORE_FAILED', 'RESTORE_CONFLICT', 'DATABASE_CONNECTION_LOST', 'ARCHIVE_DAMAGED', 'NO_SUCH_CODE'].map(
      exitCodeOfName,
    ),
    [EXIT.failed, EXIT.badInput, EXIT.notReachable, EXIT.integrity, EXIT.bug],
  );
});
