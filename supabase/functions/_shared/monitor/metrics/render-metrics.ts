import type { Metric, Sample } from './metric.ts';

export const METRICS_MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The Prometheus text exposition format, version 0.0.4. By hand: the client libraries count within one process and read
 * worker_threads and cluster, which the edge runtime does not have; ours are read from tables.
 */
export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const head = `# HELP ${name} ${escapeText(help)}\n# TYPE ${name} ${type}\n`;
      return head + samples.map((sample) => `${name}${labelsOf(sample)} ${sample.value}\n`).join('');
    })
    .join('');
}

function labelsOf({ labels }: Sample): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeText(value).replaceAll('"', '\\"')}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
