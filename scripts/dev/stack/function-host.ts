/**
 * Runs inside Deno, one process per isolate: gives an edge function what the platform's runtime gives it
 * (EdgeRuntime.waitUntil, the beforeunload event, Deno.serve on the runtime's own port), then imports it.
 * It speaks with function-process.ts: reports go to standard output as lines that begin with U+001E, so that the
 * function's own output can share the pipe; commands come on standard input, whose end means that the stack is gone.
 */
import type { HostCommand, HostReport } from './host-protocol.ts';

type Handler = (request: Request, info: unknown) => Response | Promise<Response>;

/** The part of Deno used here; the file is type-checked with Node's types. */
declare const Deno: {
  args: string[];
  stdin: { readable: ReadableStream<Uint8Array> };
  stdout: { writeSync(bytes: Uint8Array): number };
  exit(code: number): never;
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: Handler,
  ): unknown;
};

const encoder = new TextEncoder();
const counts = { received: 0, answered: 0, begun: 0, settled: 0 };

function count(name: keyof typeof counts): void {
  counts[name] += 1;
  report({ type: 'counts', ...counts });
}

function report(message: HostReport): void {
  const line = encoder.encode(`\u001e${JSON.stringify(message)}\n`);
  for (let written = 0; written < line.length; ) written += Deno.stdout.writeSync(line.subarray(written));
}

/** Lengthens the isolate's life until the promise settles, as on the platform; it never extends a limit. */
function waitUntil(work: Promise<unknown>): void {
  count('begun');
  Promise.resolve(work)
    .catch((error) => console.error('a promise given to EdgeRuntime.waitUntil was rejected:', error))
    .finally(() => count('settled'));
}

function serveOnRuntimePort(...args: unknown[]): unknown {
  const handler = args.map(handlerOf).find((candidate) => candidate !== undefined);
  if (!handler) throw new TypeError('Deno.serve was called without a handler');
  const listener = {
    hostname: '127.0.0.1',
    port: 0,
    onListen: ({ port }: { port: number }) => report({ type: 'ready', port }),
  };
  return serve(listener, async (request, info) => {
    count('received');
    try {
      return await handler(request, info);
    } finally {
      count('answered');
    }
  });
}

function handlerOf(argument: unknown): Handler | undefined {
  if (typeof argument === 'function') return argument as Handler;
  const handler = (argument as { handler?: unknown; fetch?: unknown } | undefined)?.handler;
  return typeof handler === 'function' ? (handler as Handler) : undefined;
}

async function obeyCommands(): Promise<never> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of Deno.stdin.readable) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) obey(JSON.parse(line) as HostCommand);
  }
  return Deno.exit(0);
}

function obey(command: HostCommand): void {
  globalThis.dispatchEvent(new CustomEvent('beforeunload', { detail: { reason: command.reason } }));
}

const serve = Deno.serve.bind(Deno);
const [entryUrl] = Deno.args.splice(0);
Object.defineProperty(Deno, 'serve', { value: serveOnRuntimePort });
Object.defineProperty(globalThis, 'EdgeRuntime', { value: { waitUntil } });
// The platform's runtime has no Web Workers.
Object.defineProperty(globalThis, 'Worker', { value: undefined });
void obeyCommands();
await import(entryUrl as string);
