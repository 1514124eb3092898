import { z } from 'zod';
import { ERRORS } from '../../_shared/errors.ts';
import { emptyParams, emptyQuery, text, unknownFields } from '../../_shared/http/request-fields.ts';
import { testAnswer } from '../alert-schemas.ts';
import { defineRoute } from '../route.ts';

const body = z.strictObject({ channel: text(40).min(1, 'must not be empty') }, { error: unknownFields });

export const testChannel = defineRoute({
  method: 'POST',
  path: '/alerts/test',
  name: 'testChannel',
  summary: 'Sends a test message to one channel',
  params: emptyParams,
  query: emptyQuery,
  body,
  success: {
    status: 202,
    description: 'The message is on its way; GET /alerts shows how it went.',
    schema: testAnswer,
  },
  errors: ['NOT_FOUND'],
  async handle({ means, body: { channel } }) {
    const [found] = await means.sql`
      select backup.alert_test(name) as id from backup.alert_channel where name = ${channel}`;
    if (!found) throw ERRORS.NOT_FOUND(`there is no channel '${channel}'`);
    return { status: 202, body: { delivery_id: found.id, channel, status: 'pending' } };
  },
});
