import { newLength } from './packet-header.ts';

/** Takes the lengths out of a packet's body that arrives in pieces. Copies nothing: what it gives are views. */
export class PacketBody {
  /** Bytes that are still to come of the part that is read. */
  #left: number;
  #partial: boolean;
  /** Octets of a length that is not all there yet. */
  #length: number[] = [];

  /** After the packet's header, of which `size` and `partial` are. */
  constructor({ size, partial }: { size: number; partial: boolean }) {
    this.#left = size;
    this.#partial = partial;
  }

  get ended(): boolean {
    return this.#left === 0 && !this.#partial;
  }

  /** The pieces of the body in `bytes`, and how many bytes were used: fewer than all only when the packet ends in them. */
  take(bytes: Uint8Array): { pieces: Uint8Array[]; used: number } {
    const pieces: Uint8Array[] = [];
    let used = 0;
    while (used < bytes.length && !this.ended) {
      if (this.#left === 0) this.#readLength(bytes[used++]!);
      const piece = bytes.subarray(used, used + Math.min(this.#left, bytes.length - used));
      this.#left -= piece.length;
      used += piece.length;
      if (piece.length > 0) pieces.push(piece);
    }
    return { pieces, used };
  }

  #readLength(octet: number): void {
    this.#length.push(octet);
    const length = newLength(this.#length, 0);
    if (!length) return;
    this.#left = length.size;
    this.#partial = length.partial;
    this.#length = [];
  }
}
