export interface ByteStreamOptions {
  readonly onError: (error: unknown) => void;
  /** Once, however it ends: read to the end, broken off by an error, or by whoever reads. */
  readonly onEnd: () => void;
}

/** A stream that asks for the next bytes when it is read, and ends the source when nobody reads any more. */
export function byteStream(
  source: AsyncGenerator<Uint8Array>,
  { onError, onEnd }: ByteStreamOptions,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await source.next();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        onError(error);
        controller.error(error);
      }
    },
    async cancel() {
      onEnd();
      await source.return(undefined);
    },
  });
}
