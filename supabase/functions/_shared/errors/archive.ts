import { defineErrors } from './define.ts';

export const ARCHIVE_ERRORS = defineErrors({
  KEY_UNUSABLE: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Give a public key that is valid today and can encrypt.',
  },
  DECRYPTION_FAILED: {
    kind: 'permanent',
    http: 422,
    exit: 5,
    hint: 'Give the private key of a recipient that the manifest names, and its passphrase.',
  },
  ENCRYPTION_REQUIRED: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Set BACKUP_PGP_PUBLIC_KEYS, or pass --no-encrypt if the backup must be readable by everyone who can read the store.',
  },
  ARCHIVE_DAMAGED: {
    kind: 'permanent',
    http: 422,
    exit: 5,
    hint: 'Use another copy of the backup; this object is damaged.',
  },
  SIGNATURE_INVALID: {
    kind: 'permanent',
    http: 422,
    exit: 5,
    hint: 'Do not trust this backup before you know who wrote it; use another copy.',
  },
  MANIFEST_INVALID: {
    kind: 'permanent',
    http: 422,
    exit: 5,
    hint: 'Use another copy of the backup; this manifest is damaged.',
  },
  MANIFEST_TOO_NEW: { kind: 'permanent', http: 422, exit: 5, hint: 'Read it with a newer version of Holdfast.' },
  VERIFICATION_FAILED: {
    kind: 'permanent',
    http: 500,
    exit: 5,
    hint: 'Take a new backup at once, then find out who changed the store.',
  },
});
