import { readFile } from 'node:fs/promises';
import { createCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createSigner } from '../../../supabase/functions/_shared/archive/sign-manifest.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { type Finding, ok, problem, skipped, warning } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

const NEW_KEY =
  "gpg --quick-generate-key 'Backups <you@example.com>' rsa4096 encrypt 1y   # then set BACKUP_PGP_PUBLIC_KEYS";

/** The keys can do today what they are for, and for how long. */
export const keys: Examination = {
  name: 'keys',
  title: 'Keys',
  needs: 'nothing',
  examine: async ({ environment }) => [...(await publicKeys(environment)), await signingKey(environment)],
};

async function publicKeys(environment: Patient['environment']): Promise<Finding[]> {
  const armored = await readArmored(environment, 'BACKUP_PGP_PUBLIC_KEYS');
  if (armored === null) {
    return environment('BACKUP_ALLOW_UNENCRYPTED') === 'true'
      ? [warning('recipients', 'backups are not encrypted: BACKUP_ALLOW_UNENCRYPTED is true', NEW_KEY)]
      : [skipped('recipients', 'BACKUP_PGP_PUBLIC_KEYS is not set here', 'set it to what the functions have')];
  }
  try {
    const { recipients, warnings } = await createCipher(armored);
    const known = recipients.map(({ fingerprint, userId, expiresAt }) =>
      ok(
        userId || fingerprint,
        `${fingerprint.slice(-16)} can receive, ${expiresAt ? `until ${expiresAt.slice(0, 10)}` : 'without end'}`,
      ),
    );
    const soon = warnings.map((text) =>
      warning('expiry', text, 'gpg --quick-set-expire FINGERPRINT 1y, then set BACKUP_PGP_PUBLIC_KEYS anew'),
    );
    return [...known, ...soon];
  } catch (error) {
    return [problem('recipients', messageOf(error), NEW_KEY)];
  }
}

async function signingKey(environment: Patient['environment']): Promise<Finding> {
  const armored = await readArmored(environment, 'BACKUP_SIGNING_KEY');
  if (armored === null) {
    return skipped(
      'signing key',
      'none: manifests are not signed, so whoever can write to the bucket can swap them',
      'gpg --quick-generate-key … sign; then set BACKUP_SIGNING_KEY',
    );
  }
  try {
    await createSigner(armored, environment('BACKUP_SIGNING_KEY_PASSPHRASE'));
    return ok('signing key', 'opens and signs');
  } catch (error) {
    return problem('signing key', messageOf(error), 'set BACKUP_SIGNING_KEY and BACKUP_SIGNING_KEY_PASSPHRASE anew');
  }
}

/** The variable, or the file that its sibling `…_FILE` names, as scripts read them. */
async function readArmored(environment: Patient['environment'], name: string): Promise<string | null> {
  const given = environment(name);
  if (given) return given;
  const file = environment(`${name}_FILE`);
  return file ? await readFile(file, 'utf8') : null;
}

function messageOf(error: unknown): string {
  if (!(error instanceof HoldfastError)) throw error;
  return error.message;
}
