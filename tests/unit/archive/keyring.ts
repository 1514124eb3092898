/** GnuPG in a home of its own, the oracle for everything that Holdfast encrypts and signs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Keyring {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs gpg --batch and returns its output. */
  gpg(args: string[], input?: Uint8Array | string): Buffer;
  /** Makes a key without a passphrase, unless one is given, from lines of GnuPG's batch format. Returns its fingerprint. */
  generate(lines: string[], passphrase?: string): string;
  exportPublic(who: string): string;
  exportPrivate(who: string): string;
  /** Ends the agent and removes the home. */
  close(): void;
}

export const ECC = ['Key-Type: eddsa', 'Key-Curve: ed25519', 'Subkey-Type: ecdh', 'Subkey-Curve: cv25519'];
/** What the key recipe of the backup plans gives: one RSA key that may do everything. */
export const RSA = ['Key-Type: RSA', 'Key-Length: 4096'];

export function createKeyring(): Keyring {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-gpg-'));
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: 'C' };
  const gpg = (args: string[], input: Uint8Array | string = '') => {
    const options = { env, input, maxBuffer: 1 << 30 };
    const result = spawnSync('gpg', ['--batch', '--quiet', '--no-tty', '--trust-model', 'always', ...args], options);
    if (result.status === 0 && !result.error) return result.stdout;
    // A gpg that gives up early leaves a broken pipe; what it said is the reason.
    throw new Error(`gpg ${args.join(' ')}: status ${result.status}, ${result.error ?? 'no error'}: ${result.stderr}`);
  };
  return {
    home,
    env,
    gpg,
    generate(lines, passphrase) {
      const block = passphrase === undefined ? ['%no-protection', ...lines] : [...lines, `Passphrase: ${passphrase}`];
      const loopback = ['--pinentry-mode', 'loopback'];
      const status = gpg([...loopback, '--status-fd', '1', '--gen-key'], `${block.join('\n')}\n%commit\n`);
      return /KEY_CREATED \S+ ([0-9A-F]+)/.exec(status.toString())![1]!;
    },
    exportPublic: (who) => gpg(['--armor', '--export', who]).toString(),
    exportPrivate: (who) => gpg(['--armor', '--export-secret-keys', who]).toString(),
    close() {
      execFileSync('gpgconf', ['--kill', 'all'], { env });
      rmSync(home, { recursive: true, force: true });
    },
  };
}
