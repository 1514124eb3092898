/** What the kernel says of a process, read from outside of it. Linux only. */
import { readFileSync } from 'node:fs';

export interface ProcessCpu {
  /** All threads that the process has or had, user and system. In steps of 10 ms. */
  readonly allMs: number;
  /** The kernel's part of it: memory that is touched for the first time, reading and writing sockets. */
  readonly systemMs: number;
  /** The thread that runs JavaScript: Deno's main thread. */
  readonly jsMs: number;
}

/** USER_HZ of every Linux that Node runs on. */
const CPU_TICK_MS = 10;

/** CPU time since the process began. Throws what reading /proc throws: on other systems, or once the process has ended. */
export function readProcessCpu(pid: number): ProcessCpu {
  const main = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
  return { ...statCpuMs(readFileSync(`/proc/${pid}/stat`, 'utf8')), jsMs: Number(main.split(' ')[0]) / 1e6 };
}

/** The fields 14 and 15 of proc(5): utime and stime. The name, field 2, may hold spaces and parentheses. */
export function statCpuMs(stat: string): { allMs: number; systemMs: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]) * CPU_TICK_MS, Number(fields[12]) * CPU_TICK_MS];
  return { allMs: user + system, systemMs: system };
}

export function cpuBetween(before: ProcessCpu, after: ProcessCpu): ProcessCpu {
  return {
    allMs: after.allMs - before.allMs,
    systemMs: after.systemMs - before.systemMs,
    jsMs: after.jsMs - before.jsMs,
  };
}

/** The largest resident set that the process ever had, in bytes. */
export function peakResidentBytes(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}
