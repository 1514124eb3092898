import type { ErasureCertificate } from './certificate.ts';

const WORDS = { delete: 'deleted', anonymise: 'anonymised', keep: 'kept' } as const;
const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.25rem .5rem;text-align:left}
code{word-break:break-all}@media print{body{margin:0}}`;

/** The certificate as a page to print: no script, nothing from elsewhere. */
export function certificatePage(certificate: ErasureCertificate): string {
  const { tables, kept, files, ledger } = certificate;
  const rows = tables.map(({ schema, table, action, rows }) =>
    row([`${schema}.${table}`, WORDS[action], String(rows)]),
  );
  const keptRows = kept.map(({ schema, table, rows, reason, until }) =>
    row([`${schema}.${table}`, String(rows), reason, until.slice(0, 10)]),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Certificate of erasure</title><style>${STYLE}</style></head><body>
<h1>Certificate of erasure</h1>
<p>The account and the personal data of the person whose number is <code>${escapeHtml(certificate.subject_sha256)}</code> were erased.</p>
<table>
${row(['Erasure', certificate.erasure_id])}
${row(['Requested', certificate.requested_at])}
${row(['Confirmed', certificate.confirmed_at ?? 'by the operator'])}
${row(['Completed', certificate.completed_at])}
${row(['Files deleted', `${files.count} (${files.bytes} bytes)`])}
${row(['Gone from backups by', certificate.backups_end_by.slice(0, 10)])}
${row(['Entry of the ledger', `${ledger.position}, SHA-256 ${ledger.sha256}`])}
</table>
<h2>Data</h2>
<table><tr><th>Table</th><th>What was done</th><th>Rows</th></tr>
${rows.join('\n')}
</table>
${kept.length === 0 ? '' : `<h2>Kept, because the law demands it</h2>\n<table><tr><th>Table</th><th>Rows</th><th>Reason</th><th>Until</th></tr>\n${keptRows.join('\n')}\n</table>`}
<p>No restore of a backup brings this data back: the ledger of erasures is applied again after each.</p>
</body></html>
`;
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
