/**
 * One isolate of the worker function for measuring: the process that the stack would start (same Deno, permissions,
 * heap limit and host), but with switches of our own, and called directly, one request at a time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { HostCounts, HostReport } from '../stack/host-protocol.ts';
import { denoBinary } from '../stack/repository.ts';
import { cpuBetween, type ProcessCpu, peakResidentBytes, readProcessCpu } from './process-cpu.ts';

export interface IsolateSpec {
  readonly entryFile: string;
  readonly configFile?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly denoDir: string;
  /** Before the permissions: `--no-code-cache`, `--inspect=…`. */
  readonly denoFlags?: readonly string[];
}

export interface CallMeasure {
  readonly status: number;
  readonly cpu: ProcessCpu;
  /** From the request until the last promise given to waitUntil had settled. */
  readonly wallMs: number;
}

const HOST = fileURLToPath(new URL('../stack/function-host.ts', import.meta.url));
const PERMISSIONS = ['--allow-net', '--allow-env', '--allow-read', '--allow-write=/tmp', '--allow-sys=hostname'];
const RUNTIME = ['--no-prompt', '--cached-only', '--no-lock', '--v8-flags=--max-old-space-size=256'];
const BOOT_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 120_000;

export class MeasuredIsolate {
  readonly pid: number;
  readonly #child: ChildProcess;
  #port = 0;
  #counts: HostCounts = { received: 0, answered: 0, begun: 0, settled: 0 };
  #sent = 0;
  #output = '';
  #log = '';
  #wake: () => void = () => {};
  #ended: string | null = null;

  private constructor(spec: IsolateSpec) {
    const config = spec.configFile ? ['--config', spec.configFile, '--node-modules-dir=manual'] : ['--no-config'];
    const flags = [...config, ...RUNTIME, ...(spec.denoFlags ?? []), ...PERMISSIONS];
    this.#child = spawn(denoBinary(), ['run', ...flags, HOST, pathToFileURL(spec.entryFile).href], {
      env: { ...spec.env, DENO_DIR: spec.denoDir, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
      cwd: '/tmp',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) => this.#end(`ended with ${code ?? signal}`));
    this.#child.stdin?.on('error', () => undefined); // EPIPE of a dying process: its exit event follows
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keepLog(text));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  /** Resolves when the function listens. */
  static async boot(spec: IsolateSpec): Promise<MeasuredIsolate> {
    const isolate = new MeasuredIsolate(spec);
    try {
      await isolate.#until('listen', BOOT_TIMEOUT_MS, () => isolate.#port > 0);
      return isolate;
    } catch (error) {
      await isolate.end();
      throw error;
    }
  }

  /** CPU since the process began. */
  get cpu(): ProcessCpu {
    return readProcessCpu(this.pid);
  }

  get peakResidentBytes(): number {
    return peakResidentBytes(this.pid);
  }

  async call(body: string): Promise<CallMeasure> {
    const before = this.cpu;
    const startedAt = performance.now();
    this.#sent += 1;
    const response = await fetch(`http://127.0.0.1:${this.#port}/backup-worker`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.arrayBuffer();
    await this.#until('end its work', CALL_TIMEOUT_MS, () => this.#idle);
    return { status: response.status, cpu: cpuBetween(before, this.cpu), wallMs: performance.now() - startedAt };
  }

  /** What it has logged so far, for the message of a failure. */
  get log(): string {
    return this.#log;
  }

  /** Idempotent; resolves when the process is gone. */
  async end(): Promise<void> {
    if (this.#ended !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await gone;
  }

  get #idle(): boolean {
    const { received, answered, begun, settled } = this.#counts;
    return received >= this.#sent && answered >= received && settled >= begun;
  }

  async #until(what: string, timeoutMs: number, reached: () => boolean): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!reached()) {
      if (this.#ended !== null) throw new Error(`the isolate ${this.#ended}:\n${this.#log}`);
      const leftMs = until - performance.now();
      if (leftMs <= 0) throw new Error(`the isolate did not ${what} within ${timeoutMs} ms:\n${this.#log}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, leftMs);
      });
      clearTimeout(timer);
    }
  }

  #read(text: string): void {
    this.#output += text;
    for (let end = this.#output.indexOf('\n'); end !== -1; end = this.#output.indexOf('\n')) {
      const line = this.#output.slice(0, end);
      this.#output = this.#output.slice(end + 1);
      if (line.startsWith('\u001e')) this.#hear(JSON.parse(line.slice(1)) as HostReport);
      else this.#keepLog(`${line}\n`);
    }
    this.#wake();
  }

  #hear(report: HostReport): void {
    if (report.type === 'ready') this.#port = report.port;
    else this.#counts = report;
  }

  #keepLog(text: string): void {
    this.#log = (this.#log + text).slice(-8000);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#wake();
  }
}
