/**
 * One isolate of one edge function: a Deno 2.1.4 process with the platform's permissions.
 * booting → idle ⇄ busy → retired (finishes what it does, takes nothing new) → dead. Idle means: the last response has
 * been sent and all promises given to waitUntil have settled.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { EdgeFunction } from './function-catalog.ts';
import type { HostCommand, HostCounts, HostReport } from './host-protocol.ts';
import { denoBinary } from './repository.ts';
import { STACK_ERRORS } from './stack-errors.ts';

/** The platform's limits on an isolate. */
export interface IsolateLimits {
  /** Life of an isolate; at half of it the isolate takes no new request, at the end it is killed. */
  readonly wallMs: number;
  /** CPU time of the whole process after which it takes no new request; 0 for no such limit. */
  readonly softCpuMs: number;
  /** Requests after which it takes no new one; 0 for no such limit. */
  readonly maxRequests: number;
}

export interface FunctionProcessOptions {
  readonly limits: IsolateLimits;
  /** All that the function sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly denoDir: string;
  writeLog(text: string): void;
  /** Called after every change of state. */
  onChange(): void;
}

export type IsolateState = 'booting' | 'idle' | 'busy' | 'retired' | 'dead';

const BOOT_TIMEOUT_MS = 30_000;
const HOST = fileURLToPath(new URL('./function-host.ts', import.meta.url));
/** As edge-runtime grants them: no --allow-run, and files only in /tmp. */
const PERMISSIONS = ['--allow-net', '--allow-env', '--allow-read', '--allow-write=/tmp', '--allow-sys=hostname'];
/** USER_HZ of every Linux that Node runs on. */
const CPU_TICK_MS = 10;

export class FunctionProcess {
  readonly pid: number;
  readonly bootedAt = new Date();
  /** Rejects with FUNCTION_BOOT_FAILED. */
  readonly ready: Promise<void>;
  requests = 0;
  port = 0;
  /** Why it was ended, when a limit did it. */
  endedBy: 'wall_clock' | undefined;
  #child: ChildProcess;
  #options: FunctionProcessOptions;
  #state: IsolateState = 'booting';
  #responding = false;
  #counts: HostCounts = { received: 0, answered: 0, begun: 0, settled: 0 };
  /** `received` must reach this: a report may come later than the response that it precedes. */
  #expected = 0;
  #timers: NodeJS.Timeout[] = [];
  #output = '';
  #ending = false;

  constructor(edgeFunction: EdgeFunction, options: FunctionProcessOptions) {
    this.#options = options;
    this.#child = spawn(denoBinary(), denoArguments(edgeFunction), {
      env: { ...options.env, DENO_DIR: options.denoDir, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
      cwd: '/tmp',
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own session: Ctrl-C in the terminal reaches the supervisor, which ends it in order.
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    this.ready = this.#boot(edgeFunction.name);
    this.ready.catch(() => undefined); // whoever waits for it sees the failure; nobody waiting is no crash
  }

  get state(): IsolateState {
    return this.#state;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  /** Takes the isolate for one request; `endRequest` gives it back. */
  beginRequest(): void {
    this.requests += 1;
    this.#responding = true;
    this.#expected = this.#counts.received + 1;
    this.#setState('busy');
  }

  /** `delivered` is false when the request may never have reached the function. */
  endRequest({ delivered }: { delivered: boolean }): void {
    this.#responding = false;
    if (!delivered) this.#expected = 0;
    this.#settle();
  }

  /** Ends the process; resolves when it is gone. Idempotent. */
  async end(): Promise<void> {
    if (!this.alive) return;
    this.#ending = true;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #boot(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) =>
        reject(STACK_ERRORS.FUNCTION_BOOT_FAILED(`function '${name}' did not boot: ${reason}`));
      const timer = setTimeout(() => {
        fail(`it does not listen after ${BOOT_TIMEOUT_MS} ms`);
        this.#child.kill('SIGKILL');
      }, BOOT_TIMEOUT_MS);
      this.#timers.push(timer);
      this.#child.on('error', (error) => {
        fail(error.message);
        this.#die();
      });
      this.#child.on('exit', (code, signal) => {
        fail(`its process ended with ${code ?? signal}`);
        this.#options.writeLog(`[isolate ${this.pid} ${this.#farewell(code ?? signal)}]\n`);
        this.#die();
      });
      this.#child.stdin?.on('error', () => undefined); // EPIPE of a dying process: its exit event follows
      this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#options.writeLog(text));
      this.#child.stdout?.setEncoding('utf8').on('data', (text: string) =>
        this.#read(text, () => {
          clearTimeout(timer);
          this.#setState('idle');
          this.#limitLife();
          resolve();
        }),
      );
    });
  }

  /** Separates the host's reports from what the function itself prints. */
  #read(text: string, onReady: () => void): void {
    this.#output += text;
    for (;;) {
      const start = this.#output.indexOf('\u001e');
      if (start !== 0) {
        const own = start === -1 ? this.#output : this.#output.slice(0, start);
        if (own) this.#options.writeLog(own);
        this.#output = this.#output.slice(own.length);
      }
      const end = this.#output.indexOf('\n');
      if (start === -1 || end === -1) return;
      const report = JSON.parse(this.#output.slice(1, end)) as HostReport;
      this.#output = this.#output.slice(end + 1);
      if (report.type === 'ready') {
        this.port = report.port;
        onReady();
      } else {
        this.#counts = report;
        this.#settle();
      }
    }
  }

  /** Idle again? Then retire it if a limit says so. */
  #settle(): void {
    const { received, answered, begun, settled } = this.#counts;
    const working = this.#responding || received < this.#expected || answered < received || settled < begun;
    if (!this.alive || working) return;
    if (this.#state === 'busy') this.#setState(this.#isSpent() ? 'retired' : 'idle');
    if (this.state === 'retired') void this.end();
  }

  #isSpent(): boolean {
    const { maxRequests, softCpuMs } = this.#options.limits;
    return (maxRequests > 0 && this.requests >= maxRequests) || (softCpuMs > 0 && cpuMs(this.pid) >= softCpuMs);
  }

  #limitLife(): void {
    const { wallMs } = this.#options.limits;
    const at = (share: number, action: () => void) => this.#timers.push(setTimeout(action, wallMs * share));
    at(0.5, () => {
      const idle = this.#state === 'idle';
      if (this.alive) this.#setState('retired');
      if (idle) void this.end();
    });
    at(0.9, () => this.#command({ type: 'beforeunload', reason: 'wall_clock' }));
    at(1, () => {
      this.endedBy = 'wall_clock';
      void this.end();
    });
  }

  #command(command: HostCommand): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** Being retired is ordinary; anything else is worth a look. */
  #farewell(outcome: number | string | null): string {
    if (this.endedBy === 'wall_clock') return 'was ended at its wall clock limit';
    return this.#ending ? 'was retired' : `ended with ${outcome}`;
  }

  #die(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#setState('dead');
  }

  #setState(state: IsolateState): void {
    if (this.#state === 'dead' || (this.#state === 'retired' && state !== 'dead')) return;
    this.#state = state;
    this.#options.onChange();
  }
}

function denoArguments({ entryFile, configFile }: EdgeFunction): string[] {
  const config = configFile ? ['--config', configFile, '--node-modules-dir=manual'] : ['--no-config'];
  const runtime = ['--no-prompt', '--cached-only', '--no-lock', '--v8-flags=--max-old-space-size=256'];
  return ['run', ...config, ...runtime, ...PERMISSIONS, HOST, pathToFileURL(entryFile).href];
}

/** CPU time of the process since it began, all threads; 0 where the system does not show it. */
function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * CPU_TICK_MS;
  } catch {
    return 0; // no /proc (macOS), or the process has just ended
  }
}
