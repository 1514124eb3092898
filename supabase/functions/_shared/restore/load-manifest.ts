import { readManifest } from '../archive/read-manifest.ts';
import { verifyDetached } from '../archive/sign-manifest.ts';
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import { type ArchiveInput, keyIn } from './archive-input.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from './manifest-file.ts';
import { refuseOtherBackup } from './refuse-other-backup.ts';

const MAX_SIGNATURE_BYTES = 1024 * 1024;

/**
 * The manifest of a folder, with the fingerprint of who proved to have signed it; null when that was not asked for.
 * Throws BACKUP_MISSING, MANIFEST_INVALID, MANIFEST_TOO_NEW, SIGNATURE_INVALID, KEY_UNUSABLE, STORE_*.
 */
export async function loadManifest(input: ArchiveInput): Promise<{ manifest: Manifest; signedBy: string | null }> {
  const bytes = await readOrNull(input, MANIFEST_FILE, MAX_MANIFEST_BYTES);
  if (!bytes) {
    throw ERRORS.BACKUP_MISSING(
      `the folder '${input.folder}' of ${input.store.location} has no manifest.json, so it is no backup`,
    );
  }
  const signature = await readOrNull(input, 'manifest.json.sig', MAX_SIGNATURE_BYTES);
  // The signature comes first: what nobody vouches for is not interpreted further than needed.
  const signedBy =
    input.verificationKeys !== null && signature
      ? (await verifyDetached(bytes, { signature, publicKeysArmored: input.verificationKeys })).fingerprint
      : null;
  const manifest = await readManifest(bytes);
  refuseUnsigned(manifest, { signature, signedBy, wanted: input.verificationKeys !== null });
  refuseOtherBackup(manifest, input.folder);
  return { manifest, signedBy };
}

async function readOrNull({ store, folder }: ArchiveInput, path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    return await store.getBytes(keyIn(folder, path), maxBytes);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'OBJECT_MISSING') return null;
    if (!(error instanceof HoldfastError) || error.code !== 'OBJECT_TOO_LARGE') throw error;
    const message = `${path} has more than ${maxBytes} bytes, which none that Holdfast writes has`;
    throw ERRORS.MANIFEST_INVALID(message, { cause: error });
  }
}

interface Proof {
  readonly signature: Uint8Array | null;
  readonly signedBy: string | null;
  readonly wanted: boolean;
}

function refuseUnsigned({ signing }: Manifest, { signature, signedBy, wanted }: Proof): void {
  if (signing && !signature) {
    throw ERRORS.SIGNATURE_INVALID(
      `manifest.json.sig is missing, though the manifest says that ${signing.fingerprint} signed it`,
      { details: { object: 'manifest.json.sig' } },
    );
  }
  if (wanted && !signedBy) {
    throw ERRORS.SIGNATURE_INVALID('the manifest is unsigned, and a key to verify its signature with was given', {
      details: { object: MANIFEST_FILE },
      hint: 'If this backup was never signed and you trust its store, give no verification key; otherwise use another copy.',
    });
  }
  if (signing && signedBy && signing.fingerprint !== signedBy) {
    throw ERRORS.SIGNATURE_INVALID(
      `the manifest says that ${signing.fingerprint} signed it, but its signature is by ${signedBy}`,
      { details: { object: 'manifest.json.sig' } },
    );
  }
}
