import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { denoBinary } from '../stack/repository.ts';

export interface PeakMemory {
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** How many times it had been asked by then. */
  readonly samples: number;
}

const SAMPLER = fileURLToPath(new URL('./sample-memory.ts', import.meta.url));

/** Watches the isolate whose inspector listens on the port; stop() returns the moment of its largest heap + external. */
export function watchMemory(options: { port: number; denoDir: string }): { stop(): Promise<PeakMemory> } {
  const child = spawn(denoBinary(), ['run', '--no-config', '--allow-net=127.0.0.1', SAMPLER, String(options.port)], {
    env: { DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1', DENO_DIR: options.denoDir },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
  ended.catch(() => undefined); // stop() says it
  child.stdin.on('error', () => undefined); // it ended by itself, with the isolate
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  return {
    async stop() {
      child.stdin.end();
      await ended;
      const last = output.trim().split('\n').at(-1);
      if (!last) throw new Error(`no memory was sampled: ${errors}`);
      const { heapUsed, external, samples } = JSON.parse(last);
      return { heapUsedBytes: heapUsed, externalBytes: external, samples };
    },
  };
}
