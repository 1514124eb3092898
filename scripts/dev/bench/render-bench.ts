/** The results as tables for people. */
import Table from 'cli-table3';
import pc from 'picocolors';
import type { ExportRace } from './export-race.ts';
import type { ProjectionResult } from './projection-bench.ts';
import type { Verdict } from './targets.ts';
import type { WorkerResult } from './worker-bench.ts';

export function renderBench(results: Readonly<Record<string, unknown>>, verdicts: readonly Verdict[]): string {
  const parts = [
    results.export ? renderRace(results.export as ExportRace) : '',
    results.worker ? renderCalls(results.worker as WorkerResult) : '',
    results.projection ? renderProjection(results.projection as ProjectionResult) : '',
    renderVerdicts(verdicts),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function renderVerdicts(verdicts: readonly Verdict[]): string {
  const table = plainTable(['', 'target', 'measured', 'wanted']);
  for (const { held, title, measured, unit, target } of verdicts) {
    table.push([held ? pc.green('✓') : pc.red('✗'), title, `${round(measured)} ${unit}`, `${target} ${unit}`]);
  }
  return table.toString();
}

function renderRace({ laps, best_seconds, upload_of_pipelines }: ExportRace): string {
  const table = plainTable(['export', 'best', 'all', 'own CPU', 'stored']);
  for (const [name, all] of Object.entries(laps)) {
    const best = all.find((lap) => lap.seconds === best_seconds[name])!;
    const seconds = all.map((lap) => lap.seconds.toFixed(2)).join(' ');
    table.push([
      name,
      `${best.seconds.toFixed(2)} s`,
      seconds,
      `${best.cpuSeconds.toFixed(2)} s`,
      mb(best.storedBytes),
    ]);
  }
  return `${table.toString()}\n  pipelines upload by ${upload_of_pipelines}`;
}

function renderCalls({ calls }: WorkerResult): string {
  const table = plainTable(['worker calls', 'calls', 'CPU mean', 'CPU max', 'JS thread max', 'wall mean', 'raw max']);
  for (const [pass, kinds] of Object.entries(calls)) {
    for (const [kind, { calls: count, cpuMs, jsCpuMs, wallMs, rawMb }] of Object.entries(kinds)) {
      const times = [cpuMs.mean, cpuMs.max, jsCpuMs.max, wallMs.mean].map((value) => `${value.toFixed(0)} ms`);
      table.push([`${pass} ${kind}`, count, ...times, rawMb.max > 0 ? `${rawMb.max.toFixed(1)} MB` : '']);
    }
  }
  return table.toString();
}

function renderProjection({ backups }: ProjectionResult): string {
  const names = Object.keys(backups[0]!.minutes) as (keyof (typeof backups)[0]['minutes'])[];
  const title = (text: string) => names.map((name) => `${text} ${name.replace('parallelism_', 'at ')}`);
  const table = plainTable(['raw', 'calls', ...title('min'), ...title('free: at most'), ...title('paid: at most')]);
  for (const { raw_gb, calls, minutes, longest_minutes } of backups) {
    const cells = [minutes, longest_minutes.free, longest_minutes.paid].flatMap((row) =>
      names.map((name) => round(row[name]!)),
    );
    table.push([`${raw_gb} GB`, calls, ...cells]);
  }
  return table.toString();
}

function plainTable(head: string[]): Table.Table {
  return new Table({ head, style: { head: [], border: [], compact: true } });
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
