/** The part of OpenPGP.js that Holdfast calls, for Deno's type check; under Node the package's own types apply. */
export interface Config {
  aeadProtect?: boolean;
  allowUnauthenticatedStream?: boolean;
  preferredCompressionAlgorithm?: number;
  showComment?: boolean;
  showVersion?: boolean;
}

export interface AlgorithmInfo {
  readonly algorithm: string;
  readonly bits?: number;
  readonly curve?: string;
}

export interface KeyPacket {
  readonly version: number;
  /** Numbers of the public key, by the names of its algorithm. */
  readonly publicParams: object;
}

export interface KeyID {
  toHex(): string;
}

export class Subkey {
  readonly keyPacket: KeyPacket;
  readonly revocationSignatures: unknown[];
  getFingerprint(): string;
  getKeyID(): KeyID;
  getAlgorithmInfo(): AlgorithmInfo;
  getExpirationTime(date?: Date): Promise<Date | number | null>;
}

export class Key {
  readonly keyPacket: KeyPacket;
  readonly subkeys: Subkey[];
  readonly revocationSignatures: unknown[];
  isPrivate(): boolean;
  isRevoked(signature?: undefined, key?: undefined, date?: Date): Promise<boolean>;
  verifyPrimaryKey(date?: Date): Promise<void>;
  getEncryptionKey(keyID?: undefined, date?: Date): Promise<this | Subkey>;
  getExpirationTime(): Promise<Date | number | null>;
  getFingerprint(): string;
  getKeyID(): KeyID;
  getKeys(keyID?: KeyID): (this | Subkey)[];
  getUserIDs(): string[];
  getAlgorithmInfo(): AlgorithmInfo;
}

export class PublicKey extends Key {
  toPublic(): PublicKey;
}

export class PrivateKey extends PublicKey {
  isDecrypted(): boolean;
}

export interface Message<T> {
  readonly packets: unknown;
  /** Only here to keep the type parameter. */
  readonly data?: T;
}

export interface Signature {
  readonly packets: unknown;
}

export interface SessionKey {
  readonly data: Uint8Array;
  readonly algorithm: string;
}

export interface VerificationResult {
  readonly keyID: KeyID;
  readonly verified: Promise<true>;
}

export const enums: { readonly compression: { readonly uncompressed: 0 } };

export function readKeys(options: { armoredKeys: string; config?: Config }): Promise<Key[]>;
export function readPrivateKeys(options: { armoredKeys: string; config?: Config }): Promise<PrivateKey[]>;
export function decryptKey(options: { privateKey: PrivateKey; passphrase: string }): Promise<PrivateKey>;
export function encryptSessionKey(options: {
  data: Uint8Array;
  algorithm: 'aes256';
  encryptionKeys: PublicKey[];
  date?: Date;
  format: 'binary';
}): Promise<Uint8Array>;
export function createMessage<T extends Uint8Array | ReadableStream<Uint8Array>>(options: {
  binary: T;
  filename?: string;
  date?: Date;
  format?: 'binary';
}): Promise<Message<T>>;
export function readMessage<T extends Uint8Array | ReadableStream<Uint8Array>>(options: {
  binaryMessage: T;
  config?: Config;
}): Promise<Message<T>>;
export function readSignature(options: { binarySignature: Uint8Array }): Promise<Signature>;
export function readSignature(options: { armoredSignature: string }): Promise<Signature>;
export function encrypt<T extends Uint8Array | ReadableStream<Uint8Array>>(options: {
  message: Message<T>;
  encryptionKeys: PublicKey[];
  sessionKey: SessionKey;
  date?: Date;
  format: 'binary';
  config?: Config;
}): Promise<T>;
export function decrypt<T extends Uint8Array | ReadableStream<Uint8Array>>(options: {
  message: Message<T>;
  decryptionKeys: PrivateKey[];
  format: 'binary';
  config?: Config;
}): Promise<{ data: T }>;
export function sign(options: {
  message: Message<Uint8Array>;
  signingKeys: PrivateKey[];
  detached: true;
  date?: Date;
  format: 'binary';
}): Promise<Uint8Array>;
export function verify(options: {
  message: Message<Uint8Array>;
  signature: Signature;
  verificationKeys: PublicKey[];
  date?: Date;
  format: 'binary';
}): Promise<{ signatures: VerificationResult[] }>;
