import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Where the numbers were measured; they mean little without it. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    /** Processes that wanted a core in the last minute, of others too. */
    load_1min: loadavg()[0],
  };
}
