import { displayName } from '../archive/display-name.ts';
import { durationWords } from '../domain/duration-words.ts';
import type { RestoreReport } from './contracts.ts';
import { REPORT_STYLE } from './report-style.ts';
import { otherFindings, promiseWords, type ReportHead, restoreHead } from './report-words.ts';

const VERDICT_CLASS = { passed: 'good', inconclusive: 'warn', failed: 'bad' } as const;
const STATE_CLASS = { restored: '', skipped: 'dim', 'not restored': 'bad' } as const;

/** A report as one page that needs nothing else: no script, nothing fetched, every name escaped. */
export function renderReportHtml(report: RestoreReport, head: ReportHead = restoreHead(report)): string {
  const { title } = head;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(`${title}: ${report.backupId}`)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1 class="${VERDICT_CLASS[head.verdict]}">${escaped(title)}</h1>
${bodyOf(report, head)}
</main>
</body>
</html>
`;
}

function bodyOf(report: RestoreReport, head: ReportHead): string {
  const parts = [
    errorPart(report),
    `<dl>\n${head.facts
      .map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`)
      .join('\n')}\n</dl>`,
    phasesPart(report),
    checksPart(report),
    heldBackPart(report, head),
    section('Differences from the source', listOf(report.differences)),
    tablesPart(report),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function errorPart({ error }: RestoreReport): string {
  if (!error) return '';
  return `<div class="error"><strong class="bad">${escaped(error.code)}</strong>
<p>${escaped(error.message)}</p><p>${escaped(error.hint)}</p></div>`;
}

function phasesPart({ phases }: RestoreReport): string {
  const rows = phases.map(
    (phase) =>
      `<tr><td>${escaped(phase.name)}</td>${number(durationWords(phase.seconds * 1000))}` +
      `${number(durationWords(phase.doneAfterSeconds * 1000))}<td>${escaped(promiseWords(phase))}</td>` +
      `${verdict(phase.verdict)}<td>${escaped(phase.detail)}</td></tr>`,
  );
  return table('Phases', { head: ['Phase', '#Took', '#Done after', 'Promise', 'Verdict', 'Found'], rows });
}

function checksPart({ checks }: RestoreReport): string {
  const rows = checks.map(
    (check) =>
      `<tr><td>${escaped(check.name)}</td>${verdict(check.verdict)}` +
      `<td>${escaped(check.detail)}${listOf(otherFindings(check))}</td></tr>`,
  );
  return table('Checks', { head: ['Check', 'Verdict', 'Found'], rows });
}

function heldBackPart({ heldBack }: RestoreReport, head: ReportHead): string {
  if (heldBack.length === 0) return '';
  const all = heldBack.map(
    ({ kind, name, reason, activateSql }) =>
      `<li>${escaped(kind)} <strong>${escaped(name)}</strong>: ${escaped(reason)}\n<pre>${lines(activateSql)}</pre></li>`,
  );
  const how = escaped(head.heldBack).replaceAll(/`([^`]*)`/g, '<code>$1</code>');
  return section('Held back', `<p>${how}</p>\n<ul>\n${all.join('\n')}\n</ul>`);
}

function tablesPart({ tables }: RestoreReport): string {
  const rows = tables.map(
    ({ table: name, action, rows: count, kept, state }) =>
      `<tr class="${STATE_CLASS[state]}"><td>${escaped(name)}</td><td>${escaped(action)}</td>` +
      `${number(count.toLocaleString('en-US'))}${number(kept.toLocaleString('en-US'))}<td>${escaped(state)}</td></tr>`,
  );
  return table('Tables', { head: ['Table', 'Action', '#Rows', '#There already', 'State'], rows });
}

/** A head that begins with # is a column of numbers. */
function table(title: string, { head, rows }: { head: readonly string[]; rows: readonly string[] }): string {
  if (rows.length === 0) return '';
  const cells = head.map((text) =>
    text.startsWith('#')
      ? `<th scope="col" class="number">${escaped(text.slice(1))}</th>`
      : `<th scope="col">${escaped(text)}</th>`,
  );
  const content = `<thead><tr>${cells.join('')}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>`;
  return section(title, `<div class="wide"><table>\n${content}\n</table></div>`);
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section>\n<h2>${escaped(title)}</h2>\n${content}\n</section>`;
}

function listOf(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `<ul>${texts.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`;
}

function verdict(value: keyof typeof VERDICT_CLASS): string {
  return `<td class="${VERDICT_CLASS[value]}">${escaped(value)}</td>`;
}

function number(text: string): string {
  return `<td class="number">${escaped(text)}</td>`;
}

function lines(text: string): string {
  return text.split('\n').map(escaped).join('\n');
}

function escaped(text: string): string {
  return displayName(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
