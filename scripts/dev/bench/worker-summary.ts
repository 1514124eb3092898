/** The numbers of the worker, from its measured passes. Pure. */
import type { ColdStart } from './cold-start.ts';
import type { ProcessCpu } from './process-cpu.ts';
import type { WorkerCall } from './worker-pass.ts';

const MB = 1e6;

export interface KindSummary {
  readonly calls: number;
  readonly cpuMs: { readonly mean: number; readonly max: number };
  readonly jsCpuMs: { readonly mean: number; readonly max: number };
  readonly wallMs: { readonly mean: number; readonly max: number };
  readonly rawMb: { readonly total: number; readonly max: number };
}

/** CPU of the copy calls by the raw MB of rows that they copied. */
export function cpuMsPerRawMb(calls: readonly WorkerCall[], part: keyof ProcessCpu = 'allMs'): number {
  const copies = calls.filter((call) => call.kind === 'copy');
  return sum(copies.map((call) => call.cpu[part])) / (sum(copies.map((call) => call.rawBytes)) / MB);
}

/** The most that the platform would count in one call: its CPU, and in an isolate's first call the cold start. */
export function maxCallCpuMs(calls: readonly WorkerCall[], coldStart: Pick<ColdStart, 'addedMs'>): number {
  return Math.max(...calls.map((call) => call.cpu.allMs + (call.first ? coldStart.addedMs : 0)));
}

export function byKind(calls: readonly WorkerCall[]): Record<string, KindSummary> {
  const kinds = [...new Set(calls.map((call) => call.kind))];
  return Object.fromEntries(kinds.map((kind) => [kind, summary(calls.filter((call) => call.kind === kind))]));
}

function summary(calls: readonly WorkerCall[]): KindSummary {
  const figures = (values: number[]) => ({ mean: sum(values) / values.length, max: Math.max(...values) });
  const rawMb = calls.map((call) => call.rawBytes / MB);
  return {
    calls: calls.length,
    cpuMs: figures(calls.map((call) => call.cpu.allMs)),
    jsCpuMs: figures(calls.map((call) => call.cpu.jsMs)),
    wallMs: figures(calls.map((call) => call.wallMs)),
    rawMb: { total: sum(rawMb), max: Math.max(...rawMb) },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
