import type { AlertView } from './alert-view.ts';

export interface MailBody {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The three parts of a mail. A subject has one line, or the next one would be a header. */
export function mailBody({ title, text, todo, fields, footer }: AlertView): MailBody {
  const lines = [text, ...(todo ? ['', `What to do: ${todo}`] : []), ''];
  for (const { name, value } of fields) lines.push(`${name}: ${value}`);
  const rows = fields.map(
    ({ name, value }) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const html = [
    `<h2>${escapeHtml(title)}</h2>`,
    `<p>${escapeHtml(text)}</p>`,
    ...(todo ? [`<p><b>What to do:</b> ${escapeHtml(todo)}</p>`] : []),
    ...(rows.length > 0 ? [`<table cellpadding="4">${rows.join('')}</table>`] : []),
    `<p><small>${escapeHtml(footer)}</small></p>`,
  ].join('\n');
  return { subject: `[Holdfast] ${title.replace(/[\r\n]+/g, ' ')}`, text: [...lines, '', footer].join('\n'), html };
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (char) => entities[char]!);
}
