import { z } from 'zod';
import { choice, emptyParams, unknownFields } from '../../_shared/http/request-fields.ts';
import { makeReport } from '../../_shared/monitor/make-report.ts';
import { healthReportJson } from '../../_shared/monitor/report-json.ts';
import { healthReportText } from '../../_shared/monitor/report-text.ts';
import { reportAnswer } from '../answer-schemas.ts';
import { defineRoute } from '../route.ts';

const query = z.strictObject(
  { format: choice(['json', 'text']).default('json').describe('text: the same for a person.') },
  { error: unknownFields },
);

export const showReport = defineRoute({
  method: 'GET',
  path: '/health/report',
  name: 'showReport',
  summary: 'Every check now: value, threshold, state, since when, and what to do',
  params: emptyParams,
  query,
  success: {
    status: 200,
    description: 'The report, also when something is unhealthy.',
    schema: reportAnswer,
    texts: ['text/plain'],
  },
  errors: [],
  async handle({ means, query: { format } }) {
    const report = await makeReport({ sql: means.sql, publicKeys: means.publicKeys() });
    if (format === 'json') return { status: 200, body: healthReportJson(report) };
    return new Response(healthReportText(report), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  },
});
