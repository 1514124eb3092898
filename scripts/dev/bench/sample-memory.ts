/**
 * Runs on Deno, beside the isolate that it watches: asks it over the inspector protocol for its memory, over and over,
 * and prints a line of JSON whenever heap + external is larger than ever before. Ends with its input.
 * Argument: the port of the inspector.
 */

declare const Deno: {
  args: string[];
  stdin: { readable: ReadableStream<Uint8Array> };
  exit(code: number): never;
};

interface Memory {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

const PAUSE_MS = 4;

async function inspectorUrl(port: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
      return targets[0].webSocketDebuggerUrl;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20)); // it is still booting
    }
  }
}

async function endWithInput(): Promise<never> {
  for await (const _ of Deno.stdin.readable);
  return Deno.exit(0);
}

void endWithInput();
const socket = new WebSocket(await inspectorUrl(Deno.args[0]!));
let peak = 0;
let samples = 0;
const ask = () =>
  socket.send(
    JSON.stringify({
      id: ++samples,
      method: 'Runtime.evaluate',
      params: { expression: 'Deno.memoryUsage()', returnByValue: true },
    }),
  );
socket.onopen = ask;
socket.onclose = () => Deno.exit(0);
socket.onmessage = ({ data }) => {
  const memory: Memory | undefined = JSON.parse(data).result?.result?.value;
  if (memory && memory.heapUsed + memory.external > peak) {
    peak = memory.heapUsed + memory.external;
    console.log(JSON.stringify({ ...memory, samples }));
  }
  setTimeout(ask, PAUSE_MS);
};
