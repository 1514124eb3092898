import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { ArchiveInput } from './archive-input.ts';
import type { Archive } from './contracts.ts';
import { loadManifest } from './load-manifest.ts';
import { objectReader } from './read-objects.ts';

/**
 * Opens a backup for reading. Its manifest is checked, with its signature when verification keys are given, and the
 * private key is known to fit when it returns: the smallest encrypted object was decrypted.
 * Throws what loadManifest() does, KEY_UNUSABLE when the backup is encrypted and there is no decipher,
 * DECRYPTION_FAILED when none of its keys fits, ARCHIVE_DAMAGED when that smallest object is damaged.
 */
export async function openArchive(input: ArchiveInput): Promise<Archive> {
  const { store, folder } = input;
  const { manifest, signedBy } = await loadManifest(input);
  if (manifest.encryption && !input.decipher) throw noPrivateKey(manifest);
  const archive: Archive = {
    location: folder === '' ? store.location : `${store.location}, folder ${folder}`,
    manifest,
    signedBy,
    ...objectReader(input, manifest),
  };
  await tryKey(archive);
  return archive;
}

function noPrivateKey({ encryption }: Manifest) {
  const recipients = encryption!.recipients.map(({ fingerprint, user_id }) => `${fingerprint} ${user_id}`);
  return ERRORS.KEY_UNUSABLE(`the backup is encrypted to ${recipients.join(', ')}, and no private key was given`, {
    details: { recipients: encryption!.recipients.map((one) => one.fingerprint) },
    hint: 'Give the private key of one of these recipients (gpg --export-secret-keys --armor), and its passphrase.',
  });
}

async function tryKey(archive: Archive): Promise<void> {
  const { encryption, objects } = archive.manifest;
  if (!encryption) return;
  const encrypted = objects.filter((object) => object.kind !== 'tool');
  const [first, ...others] = encrypted;
  if (!first) return;
  const smallest = others.reduce((least, object) => (object.size < least.size ? object : least), first);
  for await (const _ of archive.read(smallest.path));
}
