import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseRequest, readJsonBody } from '../../../supabase/functions/_shared/http/parse-request.ts';

const schema = z.strictObject({
  a: z.number('must be a number'),
  list: z.array(z.strictObject({ b: z.string('must be a text') })),
});

test('every problem is named with its field, not only the first', () => {
  assert.throws(
    () => parseRequest(schema, { a: 'x', list: [{ b: 'ok' }, { b: 1 }], more: true }, 'body'),
    (error: { code: string; message: string; details: { problems: { field: string }[] } }) => {
      assert.equal(error.code, 'REQUEST_INVALID');
      assert.deepEqual(error.details.problems.map(({ field }) => field).sort(), ['', 'a', 'list[1].b']);
      assert.match(error.message, /a: must be a number/);
      return true;
    },
  );
});

function request(body: BodyInit, type = 'application/json'): Request {
  return new Request('http://x/', { method: 'POST', body, headers: { 'content-type': type } });
}

test('an empty body is an empty object, whatever its type', async () => {
  assert.deepEqual(await readJsonBody(new Request('http://x/', { method: 'POST' })), {});
  assert.deepEqual(await readJsonBody(request(' \n', 'text/plain')), {});
});

test('a body that is not JSON, not UTF-8 or of another type is invalid', async () => {
  for (const bad of [
    request('{'),
    request('{"a":1}x'),
    request(new Uint8Array([0x22, 0xff, 0x22])),
    request('{}', 'text/plain'),
    request('{}', 'application/jsonx'),
  ]) {
    await assert.rejects(readJsonBody(bad), { code: 'REQUEST_INVALID' });
  }
});

test('a body with charset is read', async () => {
  assert.deepEqual(await readJsonBody(request('{"a":"ü"}', 'application/json; charset=utf-8')), { a: 'ü' });
});
