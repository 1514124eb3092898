/** How to reach one bucket, and how objects are kept there. */
export interface S3Options {
  /** `https://host[:port]`; the bucket is always addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Put before every key, without slashes at its ends; '' for none. */
  readonly prefix?: string;
  readonly accessKeyId: string;
  /** Plain, or wrapped so that printing it shows nothing (config/secret.ts). */
  readonly secretAccessKey: string | { reveal(): string };
  readonly sse?: 'AES256' | 'aws:kms';
  /** Only with sse 'aws:kms'; the bucket's default key where absent. */
  readonly kmsKeyId?: string;
  readonly storageClass?: string;
  /**
   * Objects cannot be deleted or overwritten for so many days. Mode GOVERNANCE: an account with the permission
   * s3:BypassGovernanceRetention can still lift it, where COMPLIANCE would let nobody correct a mistaken number.
   */
  readonly objectLockDays?: number;
}

/** What tests and special places change. */
export interface S3Tuning {
  readonly fetch?: typeof fetch;
  /** Hex SHA-256 of bytes in memory; WebCrypto's by default. */
  readonly sha256?: (bytes: Uint8Array) => string | Promise<string>;
  /** The clock that requests are signed with. */
  readonly now?: () => Date;
  readonly retry?: Partial<import('./s3-retry.ts').RetryPolicy>;
}
