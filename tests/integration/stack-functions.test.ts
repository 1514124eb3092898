import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeApiKeys } from '../../scripts/dev/stack/api-keys.ts';
import { findFunctions } from '../../scripts/dev/stack/function-catalog.ts';
import type { IsolateLimits } from '../../scripts/dev/stack/function-process.ts';
import { type FunctionRunner, startFunctionRunner } from '../../scripts/dev/stack/function-runner.ts';
import { startGateway } from '../../scripts/dev/stack/gateway.ts';

const CONFIG = `
[functions.open]
verify_jwt = false
[functions.broken]
verify_jwt = false
[functions.off]
enabled = false
`;

const FUNCTIONS: Record<string, string> = {
  open: `
    const warning = new Promise((resolve) => addEventListener('beforeunload', (event) => resolve(event.detail.reason)));
    Deno.serve(async (request) => {
      const url = new URL(request.url);
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      switch (url.pathname.replace('/open/', '')) {
        case 'echo': return new Response(request.body, { headers: { 'x-method': request.method, 'x-search': url.search } });
        case 'pid': return new Response(String(Deno.pid));
        case 'later': EdgeRuntime.waitUntil(wait(300).then(() => Deno.writeTextFile(url.searchParams.get('file'), 'done'))); return new Response(String(Deno.pid), { status: 202 });
        case 'slow': await wait(Number(url.searchParams.get('ms'))); return new Response('slow');
        case 'begun': await Deno.writeTextFile(url.searchParams.get('file'), 'begun'); await wait(60_000); return new Response('never');
        case 'warned': return new Response(await warning);
        case 'stream': return new Response(new ReadableStream({ async start(c) { c.enqueue(new TextEncoder().encode('first')); while (!await Deno.stat(url.searchParams.get('file')).catch(() => false)) await wait(20); c.enqueue(new TextEncoder().encode('last')); c.close(); } }));
        case 'env': return Response.json(Deno.env.toObject());
        case 'version': return Response.json({ deno: Deno.version.deno, worker: typeof Worker });
        case 'run': return new Response(await (async () => new Deno.Command('/bin/true').output())().then(() => 'ran', (error) => error.name));
        case 'write': return new Response(await Deno.writeTextFile('/var/tmp/holdfast', '').then(() => 'wrote', (error) => error.name));
        case 'log': console.log('hello from the function'); Deno.stdout.writeSync(new TextEncoder().encode('no newline')); return new Response('ok');
        case 'throw': throw new Error('on purpose');
        default: return new Response(url.pathname, { status: 418 });
      }
    });`,
  closed: `Deno.serve({ port: 1234 }, () => new Response('inside'));`,
  broken: `throw new Error('does not boot');`,
  off: `Deno.serve(() => new Response('never'));`,
  _shared: `throw new Error('is no function');`,
};

interface Runtime {
  url: string;
  dir: string;
  functions: FunctionRunner;
  keys: Awaited<ReturnType<typeof makeApiKeys>>;
  get(path: string, init?: RequestInit): Promise<Response>;
  text(path: string): Promise<string>;
}

const cleanups: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function startRuntime(
  options: { isolates?: number; limits?: Partial<IsolateLimits>; idleTimeoutMs?: number } = {},
): Promise<Runtime> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-functions-'));
  for (const [name, source] of Object.entries(FUNCTIONS)) {
    await mkdir(join(dir, 'functions', name), { recursive: true });
    await writeFile(join(dir, 'functions', name, 'index.ts'), source);
  }
  await writeFile(join(dir, 'config.toml'), CONFIG);
  const keys = await makeApiKeys();
  const functions = startFunctionRunner({
    dir,
    functions: await findFunctions(dir),
    env: { SUPABASE_URL: 'http://example.test' },
    isolates: options.isolates ?? 2,
    limits: { wallMs: 60_000, softCpuMs: 0, maxRequests: 0, ...options.limits },
    idleTimeoutMs: options.idleTimeoutMs ?? 10_000,
  });
  const gateway = await startGateway();
  const nothing = () => new Response(null, { status: 404 });
  gateway.open({ functions, auth: nothing, storage: nothing, keys });
  cleanups.push(async () => {
    await gateway.stop();
    await functions.stop();
    await rm(dir, { recursive: true });
  });
  const get = (path: string, init?: RequestInit) => fetch(`${gateway.url}/functions/v1/${path}`, init);
  return { url: gateway.url, dir, functions, keys, get, text: async (path) => (await get(path)).text() };
}

/** What `look` gives once it no longer fails; its last failure after ten seconds. */
async function eventually<T>(look: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await look();
    } catch (error) {
      if (tries === 500) throw error;
      await sleep(20);
    }
  }
}

const runtime = await startRuntime();

test('a function sees its own path, method, query and body', async () => {
  const response = await runtime.get('open/echo?a=1&b=%20', { method: 'PATCH', body: 'the body' });
  assert.equal(await response.text(), 'the body');
  assert.equal(response.headers.get('x-method'), 'PATCH');
  assert.equal(response.headers.get('x-search'), '?a=1&b=%20');
  const other = await runtime.get('open/deep/path');
  assert.equal(other.status, 418);
  assert.equal(await other.text(), '/open/deep/path');
  assert.equal(await runtime.text('open'), '/open');
});

test('functions run on Deno 2.1.4 without subprocesses, workers or files outside /tmp', async () => {
  assert.deepEqual(await (await runtime.get('open/version')).json(), { deno: '2.1.4', worker: 'undefined' });
  assert.match(await runtime.text('open/run'), /NotCapable|PermissionDenied/);
  assert.match(await runtime.text('open/write'), /NotCapable|PermissionDenied/);
});

test('a function sees the environment of the stack and nothing of the machine', async () => {
  const env = (await (await runtime.get('open/env')).json()) as Record<string, string>;
  assert.equal(env.SUPABASE_URL, 'http://example.test');
  assert.match(env.SB_EXECUTION_ID ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(env.PATH, undefined);
  assert.equal(env.HOME, undefined);
});

test('a 5 MB body comes back whole, and a response streams before it is complete', { timeout: 60_000 }, async () => {
  const body = new Uint8Array(5_000_000).map((_, index) => index % 251);
  const response = await runtime.get('open/echo', { method: 'POST', body });
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
  const file = join(runtime.dir, 'first-was-read');
  const parts = (await runtime.get(`open/stream?file=${encodeURIComponent(file)}`)).body!.pipeThrough(
    new TextDecoderStream(),
  );
  const read: string[] = [];
  for await (const part of parts) {
    read.push(part);
    // The function sends the rest only now: a gateway that waited for it would wait for ever.
    await writeFile(file, '');
  }
  assert.deepEqual(read, ['first', 'last']);
});

test('work given to waitUntil continues after the response and keeps the isolate to itself', async () => {
  const single = await startRuntime({ isolates: 1 });
  const file = join(single.dir, 'later');
  const response = await single.get(`open/later?file=${encodeURIComponent(file)}`);
  assert.equal(response.status, 202);
  const first = await response.text();
  const second = await single.text('open/pid');
  assert.equal(await readFile(file, 'utf8'), 'done', 'the next request waits for the background work');
  assert.equal(second, first, 'the same isolate serves on');
});

test('requests at the same time go to different isolates, and wait when there are no more', async () => {
  const pids = async () => new Set(await Promise.all([1, 2].map(() => runtime.text('open/slow?ms=300'))));
  const started = performance.now();
  await pids();
  assert.equal(runtime.functions.pids('open').length, 2);
  const three = [1, 2, 3].map(() => runtime.text('open/slow?ms=300'));
  await Promise.all(three);
  assert.equal(runtime.functions.pids('open').length, 2);
  assert.ok(performance.now() - started >= 900);
});

test('a killed isolate fails its request with 546 or 503, and the next request gets a new one', async () => {
  const single = await startRuntime({ isolates: 1 });
  const before = Number(await single.text('open/pid'));
  assert.deepEqual(single.functions.pids('open'), [before]);
  const file = join(single.dir, 'begun');
  const inFlight = single.get(`open/begun?file=${encodeURIComponent(file)}`);
  await eventually(() => readFile(file));
  process.kill(before, 'SIGKILL');
  const failed = await inFlight;
  assert.equal(failed.status, 503);
  assert.equal(failed.headers.get('sb-error-code'), 'WORKER_ERROR');
  const after = Number(await single.text('open/pid'));
  assert.notEqual(after, before);
  process.kill(after, 'SIGKILL');
  assert.notEqual(Number(await single.text('open/pid')), after, 'killed while idle');
  await sleep(200);
  const state = JSON.parse(await readFile(join(single.dir, 'functions.json'), 'utf8'));
  assert.deepEqual(
    state.open.map((isolate: { pid: number }) => isolate.pid),
    single.functions.pids('open'),
  );
});

test('an isolate is retired at half its life, warned near the end, and killed at the end', async () => {
  const short = await startRuntime({ isolates: 1, limits: { wallMs: 4000 } });
  const first = Number(await short.text('open/pid'));
  assert.equal(await short.text('open/slow?ms=2100'), 'slow');
  const second = Number(await short.text('open/pid'));
  assert.notEqual(second, first, 'the first was past half its life when its request ended');
  assert.equal(await short.text('open/warned'), 'wall_clock');
  const killed = await short.get('open/slow?ms=10000');
  assert.equal(killed.status, 546);
  assert.equal(killed.headers.get('sb-error-code'), 'WORKER_LIMIT');
});

test('an isolate is retired after the allowed number of requests, or CPU time', async () => {
  const limited = await startRuntime({ isolates: 1, limits: { maxRequests: 2 } });
  const pids = [];
  for (let count = 0; count < 4; count += 1) pids.push(await limited.text('open/pid'));
  assert.equal(pids[0], pids[1]);
  assert.equal(pids[2], pids[3]);
  assert.notEqual(pids[1], pids[2]);
  const spent = await startRuntime({ isolates: 1, limits: { softCpuMs: 1 } });
  assert.notEqual(await spent.text('open/pid'), await spent.text('open/pid'));
});

test('silence for longer than the idle timeout is answered 504', async () => {
  const impatient = await startRuntime({ idleTimeoutMs: 500 });
  const response = await impatient.get('open/slow?ms=3000');
  assert.equal(response.status, 504);
  assert.equal(((await response.json()) as { code: string }).code, 'IDLE_TIMEOUT');
});

test('a function that does not boot is answered 503 and its log says why', async () => {
  const response = await runtime.get('broken');
  assert.equal(response.status, 503);
  assert.equal(((await response.json()) as { code: string }).code, 'BOOT_ERROR');
  assert.match(await readFile(join(runtime.dir, 'logs', 'broken.log'), 'utf8'), /does not boot/);
});

test('what a function prints is in its log', async () => {
  assert.equal(await runtime.text('open/log'), 'ok');
  const log = await eventually(async () => {
    const text = await readFile(join(runtime.dir, 'logs', 'open.log'), 'utf8');
    assert.match(text, /hello from the function\nno newline/);
    return text;
  });
  assert.ok(!log.includes('\u001e') && !log.includes('"type"'), 'the reports of the host are not part of it');
});

test('a handler that throws is a 500 and the isolate serves on', async () => {
  assert.equal((await runtime.get('open/throw')).status, 500);
  assert.equal(await runtime.text('open/slow?ms=0'), 'slow');
});

test('disabled functions, shared folders and unknown names are 404', async () => {
  for (const name of ['off', '_shared', 'nothing', '..%2Fopen'])
    assert.equal((await runtime.get(name)).status, 404, name);
});

test('a function with verify_jwt wants a valid JWT, except for preflights; opaque keys are none', async () => {
  assert.equal((await runtime.get('closed')).status, 401);
  const bearer = (token: string) => runtime.get('closed', { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await bearer(runtime.keys.secretKey)).status, 401);
  assert.equal((await bearer(`${runtime.keys.anonKey}x`)).status, 401);
  const allowed = await bearer(runtime.keys.anonKey);
  assert.equal(allowed.status, 200);
  assert.equal(await allowed.text(), 'inside');
  assert.equal((await runtime.get('closed', { method: 'OPTIONS' })).status, 200);
});

test('a client that leaves frees its isolate', async () => {
  const single = await startRuntime({ isolates: 1 });
  await single.text('open/pid');
  const url = `${single.url}/functions/v1/open/slow?ms=300`;
  const leaving = request(url).on('error', () => undefined);
  leaving.end();
  await sleep(100);
  leaving.destroy();
  assert.equal(await single.text('open/slow?ms=0'), 'slow');
});

test('stopping ends every isolate', async () => {
  const stopped = await startRuntime();
  const pid = Number(await stopped.text('open/pid'));
  await stopped.functions.stop();
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.equal((await stopped.get('open/pid')).status, 503);
});
