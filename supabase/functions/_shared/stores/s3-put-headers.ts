import { createHash } from 'node:crypto';
import type { S3Options } from './s3-options.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How a new object is to be kept: on a single PUT, or on the start of a multipart upload. */
export function keepHeaders(options: S3Options, now: Date): Record<string, string> {
  return { ...encryptionHeaders(options), ...storageClassHeaders(options), ...lockHeaders(options, now) };
}

export function encryptionHeaders({ sse, kmsKeyId }: S3Options): Record<string, string> {
  return {
    ...(sse ? { 'x-amz-server-side-encryption': sse } : {}),
    ...(sse === 'aws:kms' && kmsKeyId ? { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId } : {}),
  };
}

function storageClassHeaders({ storageClass }: S3Options): Record<string, string> {
  return storageClass ? { 'x-amz-storage-class': storageClass } : {};
}

/** Empty where no lock is wanted. */
export function lockHeaders({ objectLockDays }: S3Options, now: Date): Record<string, string> {
  if (!objectLockDays) return {};
  return {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': new Date(now.getTime() + objectLockDays * DAY_MS).toISOString(),
  };
}

/** S3 takes locked objects and their parts only with a digest in a header of its own. */
export function lockDigestHeaders(options: S3Options, body: Uint8Array): Record<string, string> {
  return options.objectLockDays ? { 'content-md5': createHash('md5').update(body).digest('base64') } : {};
}
