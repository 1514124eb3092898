import { createHash } from 'node:crypto';
import { HoldfastError } from '../errors/define.ts';
import { STORE_ERRORS } from '../errors/store.ts';
import { PartBuffer } from './part-buffer.ts';
import type { S3Client } from './s3-client.ts';
import { ensureLocked } from './s3-lock.ts';
import { FIRST_PART_BYTES, MAX_PARTS, partSizeBytes, SINGLE_PUT_BYTES } from './s3-part-sizes.ts';
import { type ObjectName, putObject } from './s3-put.ts';
import { headObject } from './s3-read.ts';
import { abortUpload, completeUpload, createUpload, type Upload, type UploadedPart, uploadPart } from './s3-uploads.ts';
import type { ObjectWriter, PutOptions, PutResult } from './store.ts';

/**
 * 1. Collect up to SINGLE_PUT_BYTES; finish() there is a single PUT, and nothing was started that could be left behind.
 * 2. One byte more starts a multipart upload: the buffer's halves become parts 1 and 2 and the two buffers of the rest.
 * 3. One part is on its way while the next one fills; a write waits only when both are full.
 * 4. finish() sends the rest and completes; abort() stops the part on its way and waits for its end first, so that no
 *    part is sent after the upload was aborted.
 */
export class S3MultipartWriter implements ObjectWriter {
  readonly #client: S3Client;
  readonly #name: ObjectName;
  readonly #options: PutOptions;
  readonly #stop = new AbortController();
  readonly #hash = createHash('sha256');
  readonly #filling: PartBuffer;
  #spare: Uint8Array | null = null;
  #upload: Promise<Upload> | null = null;
  #onItsWay: Promise<void> = Promise.resolve();
  #parts: UploadedPart[] = [];
  #startedParts = 0;
  #size = 0;
  #ended = false;
  #completed = false;

  constructor(client: S3Client, name: ObjectName, options: PutOptions = {}) {
    this.#client = client;
    this.#filling = new PartBuffer(client.spareParts);
    this.#name = name;
    const signals = options.signal ? [this.#stop.signal, options.signal] : [this.#stop.signal];
    this.#options = { ...options, signal: AbortSignal.any(signals) };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    this.#options.signal?.throwIfAborted();
    for (let at = 0; at < bytes.length; ) {
      const limit = this.#upload ? partSizeBytes(this.#startedParts + 1) : SINGLE_PUT_BYTES;
      if (this.#filling.filledBytes >= limit) await this.#makeRoom();
      else at += this.#filling.append(bytes.subarray(at), limit);
    }
    this.#size += bytes.length;
  }

  async finish(): Promise<PutResult> {
    this.#assertOpen();
    this.#ended = true;
    if (!this.#upload) return await this.#finishSingle();
    if (this.#filling.filledBytes > 0) await this.#sendPart(this.#filling.view);
    await this.#onItsWay;
    const upload = await this.#upload;
    const etag = await this.#complete(upload);
    await ensureLocked(this.#client, this.#name);
    this.#completed = true;
    return { key: this.#name.key, size: this.#size, sha256: this.#hash.digest('hex'), etag };
  }

  async abort(): Promise<void> {
    this.#ended = true;
    if (this.#completed) return;
    this.#stop.abort(new Error('upload was aborted'));
    // Whatever these two met is not of interest any more: the upload is thrown away.
    await this.#onItsWay.catch(() => undefined);
    const upload = await this.#upload?.catch(() => null);
    if (upload) await abortUpload(this.#client, upload);
    this.#upload = null;
  }

  async #finishSingle(): Promise<PutResult> {
    const bytes = this.#filling.view;
    const { versionId: _, ...result } = await putObject(this.#client, this.#name, { ...this.#options, bytes });
    this.#completed = true;
    this.#client.spareParts.put(this.#filling.release());
    return result;
  }

  /** The buffer is full and more is to come. */
  async #makeRoom(): Promise<void> {
    if (!this.#upload) return await this.#startUpload();
    await this.#sendPart(this.#filling.view);
    const sent = this.#filling.release();
    this.#filling.adopt(this.#spare ?? new Uint8Array(0));
    this.#spare = sent.length >= partSizeBytes(this.#startedParts + 1) ? sent : null;
  }

  async #startUpload(): Promise<void> {
    this.#upload = createUpload(this.#client, this.#name, this.#options);
    await this.#upload;
    const both = this.#filling.release();
    const first = both.subarray(0, FIRST_PART_BYTES);
    const second = both.subarray(FIRST_PART_BYTES);
    await this.#sendPart(first);
    await this.#sendPart(second);
    this.#filling.adopt(first);
    this.#spare = second;
  }

  /** Waits for the part before, then sends this one in the background; its failure is thrown by whoever waits next. */
  async #sendPart(bytes: Uint8Array): Promise<void> {
    await this.#onItsWay;
    const upload = await this.#upload;
    if (!upload) throw STORE_ERRORS.WRITER_CLOSED(`upload of '${this.#name.key}' has already ended`);
    const partNumber = ++this.#startedParts;
    if (partNumber > MAX_PARTS) {
      throw STORE_ERRORS.OBJECT_TOO_LARGE(`object '${this.#name.key}' must fit into ${MAX_PARTS} parts`);
    }
    this.#hash.update(bytes);
    this.#onItsWay = uploadPart(this.#client, upload, { partNumber, bytes, signal: this.#options.signal }).then(
      (part) => {
        this.#parts.push(part);
      },
    );
    // Marks the failure as handled until then; the promise itself still rejects.
    this.#onItsWay.catch(() => undefined);
  }

  async #complete(upload: Upload): Promise<string | undefined> {
    try {
      return await completeUpload(this.#client, upload, { parts: this.#parts, signal: this.#options.signal });
    } catch (error) {
      const etag = await this.#completedUnheard(error);
      if (etag === null) throw error;
      return etag;
    }
  }

  /** The store may have completed an attempt whose answer was lost; the next attempt then finds no upload. */
  async #completedUnheard(error: unknown): Promise<string | null> {
    if (!(error instanceof HoldfastError) || error.details.storeCode !== 'NoSuchUpload') return null;
    if (!(Number(error.details.attempts) > 1)) return null;
    const info = await headObject(this.#client, this.#name);
    const isOurs = info?.size === this.#size && info.etag?.endsWith(`-${this.#parts.length}`);
    return isOurs ? (info.etag ?? null) : null;
  }

  #assertOpen(): void {
    if (this.#ended) throw STORE_ERRORS.WRITER_CLOSED(`upload of '${this.#name.key}' has already ended`);
  }
}
