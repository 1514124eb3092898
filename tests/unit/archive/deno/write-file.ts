import { open } from 'node:fs/promises';

/**
 * Writes a stream to a file. Not to stdout: on Deno 2.1.4 process.stdout.write() to a pipe loses bytes without an error
 * when the reader is slow.
 */
export async function writeFileFrom(
  path: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: Uint8Array) => void = () => {},
): Promise<void> {
  const file = await open(path, 'w');
  try {
    for await (const bytes of source) {
      for (let sent = 0; sent < bytes.length; ) {
        sent += (await file.write(bytes, sent, bytes.length - sent)).bytesWritten;
      }
      onBytes(bytes);
    }
  } finally {
    await file.close();
  }
}
