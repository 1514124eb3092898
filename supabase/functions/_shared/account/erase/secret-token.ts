import { createHash, randomBytes } from 'node:crypto';

/** Shown once; only its hash is kept. */
export interface SecretToken {
  readonly token: string;
  readonly sha256: Uint8Array;
}

/** 256 bits. */
export function newToken(): SecretToken {
  const token = randomBytes(32).toString('hex');
  return { token, sha256: tokenHash(token) };
}

export function tokenHash(token: string): Uint8Array {
  const hex = createHash('sha256').update(token).digest('hex');
  return Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
}
