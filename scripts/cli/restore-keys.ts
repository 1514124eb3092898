/** Key files and passphrase of a restore. Nothing of a key gets into an error, nothing of a passphrase onto a terminal. */
import { readFile } from 'node:fs/promises';
import { readPrivateKeys } from 'openpgp';
import { splitArmor } from '../../supabase/functions/_shared/archive/split-armor.ts';
import { normalizeArmor } from '../../supabase/functions/_shared/config/pgp-armor.ts';
import { ask, canAsk } from './ask.ts';
import type { Terminal } from './terminal.ts';

/** The armored keys of a file; null, and a problem in the list, when it cannot be read or holds anything else. */
export async function readKeyFile(
  path: string,
  { name, kind, problems }: { name: string; kind: 'PUBLIC' | 'PRIVATE'; problems: string[] },
): Promise<string | null> {
  try {
    const armored = normalizeArmor(await readFile(path, 'latin1'), kind);
    if (armored !== undefined) return armored;
    problems.push(
      `${name} must hold one or more armored PGP ${kind} KEY BLOCKs and nothing else (gpg --armor): '${path}' does not`,
    );
  } catch (error) {
    problems.push(`${name} must name a file that can be read: ${(error as Error).message}`);
  }
  return null;
}

/** Is any of the keys locked with a passphrase? A key that cannot be read becomes a problem. */
export async function anyKeyLocked(armored: string, problems: string[]): Promise<boolean> {
  let locked = false;
  for (const { text } of splitArmor(armored)) {
    try {
      const keys = await readPrivateKeys({ armoredKeys: text });
      locked ||= keys.some((key) => !key.isDecrypted());
    } catch (error) {
      problems.push(`a private key is malformed: ${(error as Error).message}`);
    }
  }
  return locked;
}

/** Adds a problem when a passphrase is needed, none was given, and nobody can be asked for it. */
export function checkPassphrase(
  { locked, given }: { locked: boolean; given: boolean },
  { terminal, problems }: { terminal: Terminal; problems: string[] },
): void {
  if (locked && !given && !canAsk(terminal))
    problems.push('BACKUP_PGP_PASSPHRASE must be set: a private key is locked, and there is no terminal to ask on');
}

/** Throws CONFIRMATION_MISSING when the person does not answer. */
export function askPassphrase(terminal: Terminal): Promise<string> {
  return ask(terminal, 'Passphrase of the private key (not shown): ', { hidden: true });
}
