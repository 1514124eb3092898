/** --report FILE: which form a file gets, and writing it. */
import { writeFile } from 'node:fs/promises';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { RestoreReport } from '../../supabase/functions/_shared/restore/contracts.ts';
import { renderReportHtml } from '../../supabase/functions/_shared/restore/render-report-html.ts';
import { renderReportMarkdown } from '../../supabase/functions/_shared/restore/render-report-markdown.ts';
import { reportToJson } from '../../supabase/functions/_shared/restore/report-json.ts';
import { type ReportHead, restoreHead } from '../../supabase/functions/_shared/restore/report-words.ts';

const FORMS = {
  json: (report: RestoreReport) => `${JSON.stringify(reportToJson(report), null, 2)}\n`,
  md: renderReportMarkdown,
  html: renderReportHtml,
} as const;

export interface ReportFile {
  readonly path: string;
  readonly form: keyof typeof FORMS;
}

/** The form follows the extension; problems are added to the list. */
export function readReportFiles(paths: readonly string[], problems: string[]): ReportFile[] {
  return paths.flatMap((path) => {
    const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
    if (Object.hasOwn(FORMS, extension)) return [{ path, form: extension as ReportFile['form'] }];
    problems.push(`--report must end in .json, .md or .html: got '${path}'`);
    return [];
  });
}

/** `head`: of a restore, if nothing else is given. Throws REPORT_NOT_WRITTEN with every file that could not be written; the others are. */
export async function writeReportFiles(
  report: RestoreReport,
  files: readonly ReportFile[],
  head: ReportHead = restoreHead(report),
): Promise<void> {
  const problems: string[] = [];
  for (const { path, form } of files) {
    try {
      await writeFile(path, FORMS[form](report, head));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length > 0) {
    throw ERRORS.REPORT_NOT_WRITTEN(`the report could not be written: ${problems.join('; ')}`, {
      details: { problems },
    });
  }
}
