import { readExportSettings } from '../../_shared/account/export/export-settings.ts';
import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { describeExport, exportAnswer } from '../answers.ts';
import { findOwnExport } from '../find-own-export.ts';
import { exportParams } from '../requests.ts';
import { defineRoute } from '../route.ts';

export const showExport = defineRoute({
  method: 'GET',
  path: '/export/:id',
  name: 'showExport',
  summary: 'State and progress of one of your exports',
  params: exportParams,
  query: emptyQuery,
  success: { status: 200, description: 'The export as it is now.', schema: exportAnswer },
  errors: ['NOT_FOUND'],
  async handle({ means, params }) {
    const settings = await readExportSettings(means.sql);
    const record = await findOwnExport(means, params.id);
    return { status: 200, body: describeExport(record, settings.publicUrl) };
  },
});
