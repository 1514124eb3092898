/** Every kind of channel, at a real HTTP server: the requests exactly as the services document them. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AlertDelivery, AlertMessage } from '../../../supabase/functions/_shared/alerts/alert-message.ts';
import { deliverAlert } from '../../../supabase/functions/_shared/alerts/deliver-alert.ts';
import { type Received, type Sink, startSink } from './alert-harness.ts';

let sink: Sink;
before(async () => {
  sink = await startSink();
});
beforeEach(() => {
  sink.received.length = 0;
  sink.answers.clear();
});
after(() => sink.stop());

const DOCS = fileURLToPath(new URL('../../../docs/alerts.md', import.meta.url));
const ID = '6a0e7a52-59c2-4a55-9d8c-0d2b8b1b4c11';
const PROBLEM = '0f4a1a5e-2d1f-4d8e-9a63-54a1f3f0c001';

const OPEN: AlertMessage = {
  kind: 'open',
  source: 'abc.supabase.co',
  type: 'backup_failed',
  severity: 'critical',
  text: 'backup daily_20260114_020000_9f3c11ab failed (STORE_DENIED)',
  facts: { backup_id: 'daily_20260114_020000_9f3c11ab', error_code: 'STORE_DENIED' },
  at: '2026-01-14T02:05:00Z',
  todo: '',
  problem: PROBLEM,
  key: 'backup:daily',
  occurrences: 2,
  first_seen: '2026-01-14T02:01:00Z',
};
const RESOLVED: AlertMessage = {
  ...OPEN,
  kind: 'resolved',
  resolved_at: '2026-01-14T03:01:00Z',
  because: 'backup daily_20260114_025000_11aa22bb is complete',
};
/** What the formats give a meaning to. */
const NASTY: AlertMessage = { ...OPEN, text: 'a <!channel> & <b> *x* _y_ [z](http://q) @everyone `c`' };

async function send(
  channelKind: string,
  secret: string,
  message: AlertMessage,
  settings = {},
  more: Record<string, string> = {},
) {
  const delivery: AlertDelivery = {
    id: ID,
    subject: 'problem:1',
    channel: 'c',
    attempts: 1,
    message,
    channelKind,
    enabled: true,
    secretName: 'ALERT_SECRET',
    settings,
  };
  const env = (name: string) => (name === 'ALERT_SECRET' ? secret : more[name]);
  await deliverAlert(delivery, { env, fetch, timeoutMs: 2000, now: () => new Date('2026-01-14T02:05:10Z') });
  return sink.received;
}

const only = (received: Received[]): Received => {
  assert.equal(received.length, 1);
  assert.equal(received[0]!.method, 'POST');
  return received[0]!;
};
const json = ({ headers, body }: Received) => {
  assert.equal(headers['content-type'], 'application/json');
  return JSON.parse(body);
};

const FIELDS = [
  ['Backup', 'daily_20260114_020000_9f3c11ab'],
  ['Error', 'STORE_DENIED'],
  ['Since', '2026-01-14 02:01 UTC'],
  ['Times in a row', '2'],
] as const;
const TITLE = 'Critical: backup daily_20260114_020000_9f3c11ab failed (STORE_DENIED)';
const TEXT = 'Backup daily_20260114_020000_9f3c11ab failed (STORE_DENIED).';
const FOOTER = 'Holdfast, abc.supabase.co, 2026-01-14 02:05 UTC';

test('Slack gets text and blocks', async () => {
  const got = only(await send('slack', `${sink.url}/services/T0/B0/xyz`, OPEN));
  assert.equal(got.path, '/services/T0/B0/xyz');
  assert.deepEqual(json(got), {
    text: TITLE,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: TITLE, emoji: false } },
      { type: 'section', text: { type: 'mrkdwn', text: TEXT, verbatim: true } },
      {
        type: 'section',
        fields: FIELDS.map(([name, value]) => ({ type: 'mrkdwn', text: `*${name}*\n${value}`, verbatim: true })),
      },
      { type: 'context', elements: [{ type: 'mrkdwn', text: FOOTER, verbatim: true }] },
    ],
  });
});

test('Slack sees no mention, link or entity in what is said', async () => {
  const { text, blocks } = json(only(await send('slack', `${sink.url}/s`, NASTY)));
  assert.match(text, /&lt;!channel&gt; &amp; &lt;b&gt;/);
  assert.doesNotMatch(JSON.stringify(blocks.slice(1)), /<|[^;]>/);
});

test('Discord gets one embed, calls nobody, and is asked to look at the message before it answers', async () => {
  const got = only(await send('discord', `${sink.url}/api/webhooks/1/token`, OPEN));
  assert.equal(got.path, '/api/webhooks/1/token?wait=true');
  const { embeds, allowed_mentions } = json(got);
  assert.deepEqual(allowed_mentions, { parse: [] });
  assert.equal(embeds.length, 1);
  assert.deepEqual(Object.keys(embeds[0]), ['title', 'description', 'color', 'fields', 'footer', 'timestamp']);
  assert.equal(embeds[0].color, 0xd92d20);
  assert.equal(embeds[0].timestamp, '2026-01-14T02:05:00.000Z');
  assert.deepEqual(embeds[0].footer, { text: FOOTER });
  assert.deepEqual(embeds[0].fields[1], { name: 'Error', value: 'STORE\\_DENIED', inline: true });
  sink.received.length = 0;
  const nasty = json(only(await send('discord', `${sink.url}/d`, NASTY))).embeds[0];
  assert.ok(nasty.description.includes('\\@everyone') && nasty.description.includes('\\[z\\]\\('));
});

test('Teams gets an Adaptive Card in a message', async () => {
  const got = json(only(await send('teams', `${sink.url}/workflows/1?sig=s`, OPEN)));
  assert.equal(sink.received[0]!.path, '/workflows/1?sig=s');
  const { content, ...attachment } = got.attachments[0];
  assert.deepEqual(
    { ...got, attachments: [attachment] },
    {
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null }],
    },
  );
  assert.equal(content.type, 'AdaptiveCard');
  assert.equal(content.$schema, 'http://adaptivecards.io/schemas/adaptive-card.json');
  assert.equal(content.version, '1.4');
  assert.deepEqual(
    content.body.map((part: { type: string }) => part.type),
    ['TextBlock', 'TextBlock', 'FactSet', 'TextBlock'],
  );
  assert.equal(content.body[0].color, 'Attention');
  assert.deepEqual(content.body[2].facts[2], { title: 'Since', value: '2026-01-14 02:01 UTC' });
});

const MAIL_TEXT = [TEXT, '', ...FIELDS.map(([name, value]) => `${name}: ${value}`), '', FOOTER].join('\n');

test('Resend gets a mail with an idempotency key', async () => {
  const settings = { from: 'Backups <b@example.com>', to: ['a@example.com', 'z@example.com'], base_url: sink.url };
  const got = only(await send('resend', 're_secret', OPEN, settings));
  assert.equal(got.path, '/emails');
  assert.equal(got.headers.authorization, 'Bearer re_secret');
  assert.equal(got.headers['idempotency-key'], ID);
  assert.equal(got.headers['user-agent'], 'Holdfast');
  const { html, ...mail } = json(got);
  assert.deepEqual(mail, { from: settings.from, to: settings.to, subject: `[Holdfast] ${TITLE}`, text: MAIL_TEXT });
  assert.match(html, /^<h2>Critical: /);
});

test('mails in HTML have no markup of the message in them', async () => {
  const settings = { from: 'b@example.com', to: ['a@example.com'], base_url: sink.url };
  const { html } = json(only(await send('resend', 're_secret', NASTY, settings)));
  assert.match(html, /a &lt;!channel&gt; &amp; &lt;b&gt;/i);
  assert.doesNotMatch(html, /<b>(?!What to do)/);
});

test('SendGrid gets a mail as v3 wants it', async () => {
  const settings = { from: 'Backups <b@example.com>', to: ['a@example.com', 'z@example.com'], base_url: sink.url };
  sink.answers.set('/v3/mail/send', { status: 202, body: '' });
  const got = only(await send('sendgrid', 'SG.secret', OPEN, settings));
  assert.equal(got.path, '/v3/mail/send');
  assert.equal(got.headers.authorization, 'Bearer SG.secret');
  const mail = json(got);
  assert.deepEqual(
    { ...mail, content: mail.content.map(({ type }: { type: string }) => type) },
    {
      personalizations: [{ to: [{ email: 'a@example.com' }, { email: 'z@example.com' }] }],
      from: { email: 'b@example.com', name: 'Backups' },
      subject: `[Holdfast] ${TITLE}`,
      content: ['text/plain', 'text/html'],
      custom_args: { holdfast_delivery: ID },
      tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
    },
  );
  assert.equal(mail.content[0].value, MAIL_TEXT);
});

test('Mailgun gets a form, with the same message id for every attempt', async () => {
  const settings = {
    from: 'b@example.com',
    to: ['a@example.com', 'z@example.com'],
    domain: 'mg.example.com',
    base_url: sink.url,
  };
  const got = only(await send('mailgun', 'key-secret', OPEN, settings));
  assert.equal(got.path, '/v3/mg.example.com/messages');
  assert.equal(got.headers.authorization, `Basic ${Buffer.from('api:key-secret').toString('base64')}`);
  assert.match(got.headers['content-type']!, /^multipart\/form-data; boundary=/);
  const form = await new Response(got.body, { headers: { 'content-type': got.headers['content-type']! } }).formData();
  assert.deepEqual(form.getAll('to'), settings.to);
  assert.equal(form.get('subject'), `[Holdfast] ${TITLE}`);
  assert.equal(String(form.get('text')).replaceAll('\r\n', '\n'), MAIL_TEXT);
  assert.equal(form.get('o:tracking'), 'no');
  assert.equal(form.get('h:Message-Id'), `<${ID}@mg.example.com>`);
  assert.deepEqual([...form.keys()].sort(), [
    'from',
    'h:Message-Id',
    'html',
    'o:tracking',
    'subject',
    'text',
    'to',
    'to',
  ]);
});

test('PagerDuty gets a trigger and later the resolve of the same incident', async () => {
  sink.answers.set('/v2/enqueue', { status: 202, body: '{"status":"success"}' });
  await send('pagerduty', 'routing', OPEN, { base_url: sink.url });
  await send('pagerduty', 'routing', RESOLVED, { base_url: sink.url });
  assert.deepEqual(sink.received.map(json), [
    {
      routing_key: 'routing',
      event_action: 'trigger',
      dedup_key: `holdfast:${PROBLEM}`,
      client: 'Holdfast',
      payload: {
        summary: `${TITLE} (abc.supabase.co)`,
        source: 'abc.supabase.co',
        severity: 'critical',
        timestamp: '2026-01-14T02:05:00.000Z',
        component: 'backups',
        class: 'backup_failed',
        custom_details: Object.fromEntries(FIELDS),
      },
    },
    { routing_key: 'routing', event_action: 'resolve', dedup_key: `holdfast:${PROBLEM}` },
  ]);
});

test('a test of PagerDuty leaves no incident open', async () => {
  const message: AlertMessage = {
    kind: 'notice',
    source: 's',
    type: 'test',
    severity: 'info',
    text: 'this channel works',
    facts: {},
    at: OPEN.at,
  };
  await send('pagerduty', 'routing', message, { base_url: sink.url });
  const events = sink.received.map(json);
  assert.deepEqual(
    events.map(({ event_action }) => event_action),
    ['trigger', 'resolve'],
  );
  assert.equal(events[0].dedup_key, events[1].dedup_key);
  assert.equal(events[0].payload.severity, 'info');
});

test('a webhook is signed as Standard Webhooks says, with both keys while one is replaced', async () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(24, 2)];
  const secret = keys.map((key) => `whsec_${key.toString('base64')}`).join(' ');
  const got = only(await send('webhook', secret, OPEN, { url: `${sink.url}/hook` }));
  assert.equal(got.headers['webhook-id'], ID);
  assert.equal(got.headers['webhook-timestamp'], String(Date.parse('2026-01-14T02:05:10Z') / 1000));
  const signed = `${ID}.${got.headers['webhook-timestamp']}.${got.body}`;
  const expected = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`).join(' ');
  assert.equal(got.headers['webhook-signature'], expected);
  const [, documented] = /```json\n([\s\S]*?)```/.exec(readFileSync(DOCS, 'utf8')) ?? [];
  assert.deepEqual(JSON.parse(documented!), json(got), 'docs/alerts.md shows this very payload');
  assert.deepEqual(json(got), {
    type: 'holdfast.alert.open',
    timestamp: '2026-01-14T02:05:00.000Z',
    data: {
      id: ID,
      source: 'abc.supabase.co',
      severity: 'critical',
      alert_type: 'backup_failed',
      problem: PROBLEM,
      key: 'backup:daily',
      title: TITLE,
      text: TEXT,
      todo: '',
      facts: Object.fromEntries(FIELDS),
      occurrences: 2,
      first_seen: OPEN.first_seen,
      resolved_at: null,
    },
  });
});

test('the address of a webhook may be a secret itself, and a key that is none is refused by name', async () => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const settings = { url_secret_name: 'ALERT_HOOK_URL' };
  assert.equal(only(await send('webhook', secret, OPEN, settings, { ALERT_HOOK_URL: `${sink.url}/x` })).path, '/x');
  await assert.rejects(send('webhook', secret, OPEN, settings), {
    code: 'ALERT_SECRET_MISSING',
    message: /ALERT_HOOK_URL/,
  });
  for (const bad of ['plain', 'whsec_AAAA', 'whsec_!!!']) {
    await assert.rejects(send('webhook', bad, OPEN, { url: sink.url }), { code: 'ALERT_SECRET_INVALID' });
  }
});

test('a dead man switch is told of failure and of success, with a run id', async () => {
  const well: AlertMessage = {
    kind: 'notice',
    source: 's',
    type: 'heartbeat',
    severity: 'info',
    text: 'x',
    facts: {},
    at: OPEN.at,
    ping: 'success',
  };
  await send('ping', `${sink.url}/uuid-1/?a=b`, OPEN);
  await send('ping', `${sink.url}/uuid-1`, RESOLVED);
  await send('ping', `${sink.url}/uuid-1`, well);
  await send('ping', `${sink.url}/uuid-1`, { ...well, ping: 'fail' });
  assert.deepEqual(
    sink.received.map(({ path }) => path),
    [`/uuid-1/fail?a=b&rid=${ID}`, `/uuid-1?rid=${ID}`, `/uuid-1?rid=${ID}`, `/uuid-1/fail?rid=${ID}`],
  );
  sink.answers.set('/uuid-1', { status: 200, body: 'OK (not found)' });
  await assert.rejects(send('ping', `${sink.url}/uuid-1`, well), { code: 'ALERT_REFUSED' });
  sink.answers.set('/uuid-1', { status: 200, body: 'OK (rate limited)' });
  await assert.rejects(send('ping', `${sink.url}/uuid-1`, well), { code: 'ALERT_NOT_DELIVERED' });
});

test('a success notice has the time, the size and the place', async () => {
  const message: AlertMessage = {
    kind: 'notice',
    source: 'abc.supabase.co',
    type: 'backup_completed',
    severity: 'info',
    text: 'backup daily_20260114_020000_9f3c11ab completed',
    facts: {
      backup_id: 'daily_20260114_020000_9f3c11ab',
      stored_bytes: 1_234_567,
      duration_seconds: 272,
      location: 's3://b/daily/2026-01-14',
    },
    at: '2026-01-14T02:05:00Z',
  };
  const { blocks } = json(only(await send('slack', `${sink.url}/s`, message)));
  assert.deepEqual(
    blocks[2].fields.map(({ text }: { text: string }) => text),
    [
      '*Time*\n2026-01-14 02:05 UTC',
      '*Backup*\ndaily_20260114_020000_9f3c11ab',
      '*Size*\n1.2 MB',
      '*Duration*\n4 minutes 32 seconds',
      '*Place*\ns3://b/daily/2026-01-14',
    ],
  );
});

test('what is too long for a service is cut, and still taken', async () => {
  const long: AlertMessage = { ...OPEN, text: '&'.repeat(5000), todo: '<'.repeat(5000) };
  const { blocks } = json(only(await send('slack', `${sink.url}/s`, long)));
  assert.ok(blocks[0].text.text.length <= 150);
  assert.ok(blocks[1].text.text.length <= 3000);
  assert.doesNotMatch(blocks[1].text.text, /&(?!amp;|lt;|gt;)/);
});
