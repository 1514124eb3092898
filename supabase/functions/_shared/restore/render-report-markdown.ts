import { displayName } from '../archive/display-name.ts';
import { durationWords } from '../domain/duration-words.ts';
import type { RestoreReport } from './contracts.ts';
import { otherFindings, promiseWords, type ReportHead, restoreHead } from './report-words.ts';

/** A report as Markdown: every name is text, whatever it is made of. Ends with a line end. */
export function renderReportMarkdown(report: RestoreReport, head: ReportHead = restoreHead(report)): string {
  const sections = [
    `# ${head.title}`,
    errorPart(report),
    head.facts.map(([label, value]) => `- **${label}:** ${escaped(value)}`).join('\n'),
    phasesPart(report),
    checksPart(report),
    heldBackPart(report, head),
    listPart('Differences from the source', report.differences),
    tablesPart(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function errorPart({ error }: RestoreReport): string {
  if (!error) return '';
  return `> **${escaped(error.code)}:** ${escaped(error.message)}\n>\n> ${escaped(error.hint)}`;
}

function phasesPart({ phases }: RestoreReport): string {
  return tablePart('Phases', {
    head: ['Phase', 'Took', 'Done after', 'Promise', 'Verdict', 'Found'],
    rows: phases.map((phase) => [
      phase.name,
      durationWords(phase.seconds * 1000),
      durationWords(phase.doneAfterSeconds * 1000),
      promiseWords(phase),
      phase.verdict,
      phase.detail,
    ]),
  });
}

function checksPart({ checks }: RestoreReport): string {
  const table = tablePart('Checks', {
    head: ['Check', 'Verdict', 'Found'],
    rows: checks.map(({ name, verdict, detail }) => [name, verdict, detail]),
  });
  const findings = checks.flatMap((check) => otherFindings(check).map((finding) => `${check.name}: ${finding}`));
  return findings.length === 0 ? table : `${table}\n\n${items(findings)}`;
}

function heldBackPart({ heldBack }: RestoreReport, head: ReportHead): string {
  if (heldBack.length === 0) return '';
  const all = heldBack.map(
    ({ kind, name, reason, activateSql }) =>
      `- ${escaped(kind)} **${escaped(name)}**: ${escaped(reason)}\n\n${indented(codeBlock(activateSql))}`,
  );
  return `## Held back\n\n${head.heldBack}\n\n${all.join('\n\n')}`;
}

function tablesPart({ tables }: RestoreReport): string {
  return tablePart('Tables', {
    head: ['Table', 'Action', 'Rows', 'There already', 'State'],
    rows: tables.map(({ table, action, rows, kept, state }) => [table, action, String(rows), String(kept), state]),
  });
}

function listPart(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${items(lines)}`;
}

function items(lines: readonly string[]): string {
  return lines.map((text) => `- ${withoutMarker(escaped(text))}`).join('\n');
}

/** The text of an item does not begin a list of its own. */
function withoutMarker(text: string): string {
  return text.replace(/^[-+]/, '\\$&').replace(/^(\d+)\./, '$1\\.');
}

function tablePart(title: string, { head, rows }: { head: readonly string[]; rows: readonly string[][] }): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((cells) => line(cells.map(escaped)));
  return [`## ${title}\n`, line(head), line(head.map(() => '---')), ...body].join('\n');
}

/** Every character that Markdown or HTML could read as more than itself; no line ends, no links. */
function escaped(text: string): string {
  return displayName(text)
    .replace(/[\\`*_{}[\]<>()#!|~&$]/g, '\\$&')
    .replaceAll('://', ':\\/\\/');
}

/** A fence longer than any run of backticks inside. */
function codeBlock(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}sql`, ...text.split('\n').map(displayName), fence].join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
