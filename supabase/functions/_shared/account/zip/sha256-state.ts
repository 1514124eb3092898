/**
 * SHA-256 that can stop in one worker call and go on in another: no library of the runtime gives its state away.
 * FIPS 180-4; the tests hold it against node:crypto.
 */
export interface Sha256State {
  /** The eight words. */
  readonly words: readonly number[];
  /** Bytes after the last whole block, as numbers; fewer than 64. */
  readonly rest: readonly number[];
  readonly length: number;
}

const BLOCK = 64;
const [INITIAL, CONSTANTS] = makeConstants();

export class Sha256 {
  readonly #words: Int32Array;
  readonly #block = new Uint8Array(BLOCK);
  readonly #schedule = new Int32Array(BLOCK);
  #filled = 0;
  #length = 0;

  constructor(state: Sha256State | null = null) {
    this.#words = Int32Array.from(state?.words ?? INITIAL);
    if (state === null) return;
    this.#block.set(state.rest);
    this.#filled = state.rest.length;
    this.#length = state.length;
  }

  update(bytes: Uint8Array): this {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(BLOCK - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < BLOCK) return this;
      this.#compress(this.#block, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
    return this;
  }

  /** What a later Sha256 goes on from. */
  get state(): Sha256State {
    return { words: [...this.#words], rest: [...this.#block.subarray(0, this.#filled)], length: this.#length };
  }

  /** Of all bytes so far; more may follow. */
  hex(): string {
    const last = new Sha256(this.state);
    const padding = new Uint8Array(this.#filled < 56 ? BLOCK - this.#filled : 2 * BLOCK - this.#filled);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(this.#length / 0x20000000));
    view.setUint32(padding.length - 4, (this.#length << 3) >>> 0);
    last.update(padding);
    return Array.from(last.#words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #compress(bytes: Uint8Array, at: number): void {
    const w = this.#schedule;
    for (let t = 0, i = at; t < 16; t++, i += 4) {
      w[t] = (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!;
    }
    for (let t = 16; t < BLOCK; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (high + w[t - 7]! + low + w[t - 16]!) | 0;
    }
    const words = this.#words;
    let [a, b, c, d, e, f, g, h] = words as unknown as [
      ...[number, number, number, number],
      ...[number, number, number, number],
    ];
    for (let t = 0; t < BLOCK; t++) {
      const choice = (e & f) ^ (~e & g);
      const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + sum1 + choice + CONSTANTS[t]! + w[t]!) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + sum0 + majority) | 0;
    }
    words[0] = (words[0]! + a) | 0;
    words[1] = (words[1]! + b) | 0;
    words[2] = (words[2]! + c) | 0;
    words[3] = (words[3]! + d) | 0;
    words[4] = (words[4]! + e) | 0;
    words[5] = (words[5]! + f) | 0;
    words[6] = (words[6]! + g) | 0;
    words[7] = (words[7]! + h) | 0;
    this.#filled = 0;
  }
}

/** The first 32 bits of the fractions of the square roots of 8 primes, and of the cube roots of 64. */
function makeConstants(): [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < BLOCK; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (root: number) => Math.floor((root - Math.floor(root)) * 0x100000000) | 0;
  return [
    Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))),
    Int32Array.from(primes, (p) => fraction(Math.cbrt(p))),
  ];
}
