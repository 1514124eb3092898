import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { parseConnectionUrl } from '../../../supabase/functions/_shared/postgres/connection-url.ts';

function refusal(url: string, certificates: string[] = []): HoldfastError {
  try {
    parseConnectionUrl(url, certificates);
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  throw assert.fail(`accepted: ${url}`);
}

test('a plain url gets the defaults of libpq', () => {
  const options = parseConnectionUrl('postgresql://ann@db.example');
  assert.deepEqual(
    { ...options },
    {
      hostname: 'db.example',
      port: 5432,
      user: 'ann',
      password: '',
      database: 'ann',
      sslMode: 'prefer',
      caCertificates: [],
      connectTimeoutMs: 15_000,
      applicationName: undefined,
      serverOptions: undefined,
    },
  );
});

test('any user, password and database survive percent-encoding', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((value) => !value.includes('\0') && Buffer.from(value).toString() === value);
  fc.assert(
    fc.property(text, text, text, (user, password, database) => {
      const [u, p, d] = [user, password, database].map(encodeURIComponent);
      const options = parseConnectionUrl(`postgres://${u}:${p}@h:1/${d}?sslmode=require`);
      assert.deepEqual([options.user, options.password, options.database], [user, password, database]);
    }),
  );
});

test("a raw '@' or ':' in the password is taken as part of it", () => {
  assert.equal(parseConnectionUrl('postgres://u:p@s:s@h/d').password, 'p@s:s');
});

test('IPv6 addresses stand in brackets', () => {
  const options = parseConnectionUrl(
    'postgres://u@[2001:db8::1]:6543/d?application_name=a%20b&connect_timeout=3&pgbouncer=true',
  );
  assert.equal(options.hostname, '2001:db8::1');
  assert.equal(options.port, 6543);
  assert.equal(options.applicationName, 'a b');
  assert.equal(options.connectTimeoutMs, 3000);
});

test('everything wrong with a url is named at once', () => {
  const error = refusal('postgres://:x@h:99999/d?sslmode=maybe&sslrootcert=a&connect_timeout=soon');
  const problems = error.details.problems as string[];
  assert.equal(problems.length, 5);
  for (const word of ['port', "sslmode 'maybe'", 'sslrootcert', 'connect_timeout', 'user']) {
    assert.ok(
      problems.some((problem) => problem.includes(word)),
      `${word} missing in ${problems.join('; ')}`,
    );
  }
});

for (const url of [
  '',
  'mysql://u:hunter2@h/d',
  'postgres://u:hunter2#x@h/d',
  'postgres://u:hunter2/x@h/d',
  'postgres://u:hunter2%zz@h/d',
  'postgres://u:hunter2@/d',
  'postgres://u:hunter2@h:5432x/d',
  'postgres://u:hunter2@[zz]/d',
  'postgres://u:hunter2@a,b/d',
  'postgres://u:hunter2@h/d?password=hunter2',
  'postgres://u:hunter2%00@h/d',
  'postgres://u:hunter2@%2Fvar%2Frun/d',
]) {
  test(`'${url}' is refused without showing the password`, () => {
    assert.doesNotMatch(JSON.stringify(refusal(url)), /hunter2/);
  });
}

test('a CA bundle is split into its certificates, and what is no PEM is refused', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.equal(parseConnectionUrl('postgres://u@h', [`${pem}\n${pem}`]).caCertificates.length, 2);
  assert.match(refusal('postgres://u@h', ['/etc/ca.pem']).message, /PEM/);
});
