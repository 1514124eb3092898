import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { errorResponse } from '../../../supabase/functions/_shared/http/error-handler.ts';
import { limitBody } from '../../../supabase/functions/_shared/http/limit-body.ts';
import { secureAnswers } from '../../../supabase/functions/_shared/http/secure-answers.ts';

const MAX_BYTES = 1000;

function echo() {
  const app = new Hono();
  app.onError((error) => errorResponse(error));
  app.use(secureAnswers());
  app.use(limitBody(MAX_BYTES));
  app.post('/', async (context) => context.text(String((await context.req.text()).length)));
  return app;
}

test('a body up to the limit passes whole', async () => {
  const response = await echo().request('/', { method: 'POST', body: 'x'.repeat(MAX_BYTES) });
  assert.equal(await response.text(), String(MAX_BYTES));
});

test('a body above the limit is refused by its content-length', async () => {
  const response = await echo().request('/', { method: 'POST', body: 'x', headers: { 'content-length': '1001' } });
  assert.equal(response.status, 413);
  assert.equal((await response.json()).error.code, 'REQUEST_TOO_LARGE');
});

test('an endless body without content-length is refused after the limit, not read to its end', async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 100;
      controller.enqueue(new Uint8Array(100));
    },
  });
  const response = await echo().request('/', { method: 'POST', body, duplex: 'half' } as RequestInit);
  assert.equal(response.status, 413);
  assert.ok(pulled < 3 * MAX_BYTES, `pulled ${pulled}`);
});

test('refusals carry the security headers too', async () => {
  const response = await echo().request('/', { method: 'POST', body: 'x', headers: { 'content-length': '1001' } });
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
});
