/** Where a script writes: results to stdout, everything else to stderr. Tests give their own. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr:
    | NodeJS.WriteStream
    | { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  /** Only scripts that ask have it. */
  readonly stdin?: NodeJS.ReadStream | (NodeJS.ReadableStream & { readonly isTTY?: boolean });
}

export function line(stream: { write(text: string): unknown }, text: string): void {
  stream.write(`${text}\n`);
}
