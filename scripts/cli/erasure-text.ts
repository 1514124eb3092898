/** What people read of an erasure: its plan, and what was done. Pure. */
import type { ErasureCertificate } from '../../supabase/functions/_shared/account/erase/certificate.ts';
import type { PlannedErasure } from '../../supabase/functions/_shared/account/erase/erasure-plan.ts';
import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { plainTable } from './plain-table.ts';
import { rowWords } from './row-words.ts';
import { sizeWords } from './size-words.ts';

const WORDS = { delete: 'delete', anonymise: 'anonymise', keep: 'keep' } as const;

export function planLines(plan: PlannedErasure, user: string): string[] {
  const table = plainTable(['table', 'rows', 'what', 'detail'], ['left', 'right', 'left', 'left']);
  for (const { schema, table: name, rows, action, columns, keep } of plan.tables) {
    const detail = keep
      ? `${keep.reason}, until ${keep.until.slice(0, 10)}`
      : columns.map(({ column }) => column).join(', ');
    table.push([displayName(`${schema}.${name}`), rows.toLocaleString('en-US'), WORDS[action], displayName(detail)]);
  }
  return [
    `Erasing the user ${user} would do this:`,
    '',
    table.toString(),
    `Files deleted: ${plan.files.count} (${sizeWords(plan.files.bytes)})`,
    ...section(
      'Foreign keys would also change rows that are not mapped:',
      plan.side_effects.map(
        (one) =>
          `${displayName(`${one.schema}.${one.table}`)}: ${one.effect} ${rowWords(one.rows)} (${one.constraint})`,
      ),
    ),
    ...section(
      'It cannot be done, because of these:',
      plan.blockers.map(
        (one) =>
          `${one.constraint} of ${displayName(`${one.schema}.${one.table}`)}, ${rowWords(one.rows)}: ${one.because}`,
      ),
    ),
    '',
    plan.blockers.length > 0 ? 'Nothing was erased.' : 'Nothing was erased. Give --yes to do it.',
  ];
}

export function certificateLines(certificate: ErasureCertificate): string[] {
  const { tables, kept, files, ledger } = certificate;
  const rows = tables.reduce((sum, one) => sum + (one.action === 'keep' ? 0 : one.rows), 0);
  return [
    `✅ Erased: ${rowWords(rows)} of ${tables.length} tables, ${files.count} files, the account`,
    `🧾 Erasure ${certificate.erasure_id}, entry ${ledger.position} of the ledger (${ledger.key})`,
    `🗄️  Gone from backups by ${certificate.backups_end_by.slice(0, 10)}`,
    ...section(
      'Kept, because the law demands it:',
      kept.map(
        (one) =>
          `${displayName(`${one.schema}.${one.table}`)}: ${rowWords(one.rows)}, ${displayName(one.reason)}, until ${one.until.slice(0, 10)}`,
      ),
    ),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((text) => `  - ${text}`)];
}
