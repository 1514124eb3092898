/**
 * The bytes of an export in the store: parts of frames, each encrypted by itself with AES-256-GCM, so that any range can be
 * read without the rest. A nonce is the part's own random name and the number of the frame: no two are ever the same.
 */
import { ERRORS } from '../../errors.ts';

export const FRAME_BYTES = 256 * 1024;
const TAG_BYTES = 16;
const NONCE_NAME_BYTES = 8;

export interface PartCipher {
  seal(part: string, frame: number, plain: Uint8Array): Promise<Uint8Array>;
  /** Throws EXPORT_DAMAGED. */
  open(part: string, frame: number, sealed: Uint8Array): Promise<Uint8Array>;
}

/** 32 random bytes as hex. */
export function newExportKey(): string {
  return hex(crypto.getRandomValues(new Uint8Array(32)));
}

/** `0001-<16 hex digits>`: a part that is written again, after a crash, has another name. */
export function newPartName(ordinal: number): string {
  return `${String(ordinal).padStart(4, '0')}-${hex(crypto.getRandomValues(new Uint8Array(NONCE_NAME_BYTES)))}`;
}

export function partKey(exportId: string, part: string): string {
  return `${exportFolder(exportId)}${part}.part`;
}

/** Ends in a slash. */
export function exportFolder(exportId: string): string {
  return `exports/${exportId}/`;
}

/** `key`: 64 hex digits. */
export async function openPartCipher(key: string, exportId: string): Promise<PartCipher> {
  const secret = await crypto.subtle.importKey('raw', unhex(key) as Uint8Array, 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ]);
  const parameters = (part: string, frame: number) => {
    const iv = new Uint8Array(NONCE_NAME_BYTES + 4);
    iv.set(unhex(part.slice(part.indexOf('-') + 1)));
    new DataView(iv.buffer).setUint32(NONCE_NAME_BYTES, frame);
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`${exportId}/${part}/${frame}`) };
  };
  return {
    async seal(part, frame, plain) {
      return new Uint8Array(await crypto.subtle.encrypt(parameters(part, frame), secret, plain as Uint8Array));
    },
    async open(part, frame, sealed) {
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parameters(part, frame), secret, sealed as Uint8Array));
      } catch (cause) {
        throw ERRORS.EXPORT_DAMAGED(`frame ${frame} of part ${part} is not what was written`, { cause });
      }
    },
  };
}

/** The bytes in the store that hold these plain bytes of a part; `end` is exclusive. */
export function sealedRange(plain: { start: number; end: number }, partBytes: number): { start: number; end: number } {
  const first = Math.floor(plain.start / FRAME_BYTES);
  const last = Math.floor((plain.end - 1) / FRAME_BYTES);
  const lastBytes = Math.min(FRAME_BYTES, partBytes - last * FRAME_BYTES);
  return { start: first * (FRAME_BYTES + TAG_BYTES), end: last * (FRAME_BYTES + TAG_BYTES) + lastBytes + TAG_BYTES };
}

export const SEALED_FRAME_BYTES = FRAME_BYTES + TAG_BYTES;

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
