import { readExportSettings } from '../../_shared/account/export/export-settings.ts';
import { chooseLanguage } from '../../_shared/account/export/languages.ts';
import { emptyParams, emptyQuery } from '../../_shared/http/request-fields.ts';
import { startedExport } from '../answers.ts';
import { acceptedAnswer, beginExport } from '../begin-export.ts';
import { exportBody } from '../requests.ts';
import { defineRoute } from '../route.ts';

export const startExport = defineRoute({
  method: 'POST',
  path: '/export',
  name: 'startExport',
  summary: 'Starts an export of your data, which can be downloaded when it is ready',
  params: emptyParams,
  query: emptyQuery,
  body: exportBody,
  success: { status: 202, description: 'The export has begun; follow it at status_url.', schema: startedExport },
  errors: ['EXPORT_LIMIT'],
  async handle({ means, body }) {
    const settings = await readExportSettings(means.sql);
    const lang = chooseLanguage(body.lang ?? null, means.headers.get('accept-language'));
    const begun = await beginExport(means, { userId: means.userId, way: 'job', format: body.format, lang }, settings);
    return acceptedAnswer(begun, settings);
  },
});
