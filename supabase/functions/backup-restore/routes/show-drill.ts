import { ERRORS } from '../../_shared/errors.ts';
import { recordReportAccess } from '../../_shared/http/record-access.ts';
import { type DrillDetail, readDrill } from '../../_shared/runs/read-drill.ts';
import { drillAnswer } from '../answer-schemas.ts';
import { drillParams, showQuery } from '../request-schemas.ts';
import { defineRoute, drillLinks } from '../route.ts';

/** The page has its style in itself and fetches nothing. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export const showDrill = defineRoute({
  method: 'GET',
  path: '/drills/:id',
  name: 'showDrill',
  summary: 'State, progress and report of one drill; a report that is read is recorded in security_events_log',
  params: drillParams,
  query: showQuery,
  success: {
    status: 200,
    description: 'The drill as it is now; with format markdown or html its report alone.',
    schema: drillAnswer,
    texts: ['text/markdown', 'text/html'],
  },
  errors: ['NOT_FOUND'],
  async handle({ means, caller, params, query }) {
    const { jobId: _, ...drill } = await readDrill(means.sql, params.id);
    if (drill.report) await recordReportAccess(means.sql, caller, { drillId: params.id, backupId: drill.backup_id });
    if (query.format === 'json') return { status: 200, body: { ...drill, links: drillLinks(params.id) } };
    if (!drill.report) {
      throw ERRORS.NOT_FOUND(`drill ${params.id} is ${drill.status} and has no report`, {
        hint: 'A drill in progress has none yet, and one that could not begin has none; look at it without format.',
      });
    }
    return await page(drill, query.format);
  },
});

async function page(
  { status, verified, report: json }: Pick<DrillDetail, 'status' | 'verified' | 'report'>,
  format: 'markdown' | 'html',
): Promise<Response> {
  const [{ reportFromJson }, { drillHead }] = await Promise.all([
    import('../../_shared/restore/report-from-json.ts'),
    import('../../_shared/restore/drill/drill-head.ts'),
  ]);
  const report = reportFromJson(json!);
  const head = drillHead(report, { status, mode: verified.mode === 'stored-bytes' ? 'stored-bytes' : 'restore' });
  if (format === 'markdown') {
    const { renderReportMarkdown } = await import('../../_shared/restore/render-report-markdown.ts');
    return new Response(renderReportMarkdown(report, head), {
      headers: { 'content-type': 'text/markdown; charset=utf-8' },
    });
  }
  const { renderReportHtml } = await import('../../_shared/restore/render-report-html.ts');
  return new Response(renderReportHtml(report, head), {
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY },
  });
}
