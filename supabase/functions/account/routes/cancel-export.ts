import { ERRORS } from '../../_shared/errors.ts';
import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { cancelledExport } from '../answers.ts';
import { findOwnExport } from '../find-own-export.ts';
import { exportParams } from '../requests.ts';
import { defineRoute } from '../route.ts';

export const cancelExport = defineRoute({
  method: 'DELETE',
  path: '/export/:id',
  name: 'cancelExport',
  summary: 'Ends one of your exports; what was made of it can be read no more',
  params: exportParams,
  query: emptyQuery,
  success: { status: 200, description: 'It is cancelled, and its parts are deleted.', schema: cancelledExport },
  errors: ['NOT_FOUND', 'EXPORT_GONE'],
  async handle({ means, params }) {
    const record = await findOwnExport(means, params.id);
    const [row] = await means.sql`select backup.cancel_account_export(${means.userId}, ${record.id}) as ok`;
    if (row?.ok !== true) throw ERRORS.EXPORT_GONE(`the export is ${record.state} already`);
    return { status: 200, body: { export_id: record.id, state: 'cancelled' } };
  },
});
