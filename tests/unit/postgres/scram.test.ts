/** The client's proof, computed again by node:crypto as a server does it (RFC 5802, section 3). */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { beginScram } from '../../../supabase/functions/_shared/postgres/scram.ts';

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();

interface Role {
  readonly password: string;
  readonly salt: string;
  readonly iterations: number;
}

/** One login; `known` is what the server has stored. Throws when one side does not accept the other. */
async function logIn(password: string, known: Role): Promise<void> {
  const exchange = beginScram(password);
  const firstBare = exchange.clientFirst.slice('n,,'.length);
  const nonce = `${firstBare.slice('n=,r='.length)}server`;
  const serverFirst = `r=${nonce},s=${Buffer.from(known.salt).toString('base64')},i=${known.iterations}`;
  const final = await exchange.clientFinal(serverFirst);
  const salted = pbkdf2Sync(known.password, known.salt, known.iterations, 32, 'sha256');
  const signed = `${firstBare},${serverFirst},c=biws,r=${nonce}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), signed);
  const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
  assert.equal(final, `c=biws,r=${nonce},p=${Buffer.from(proof).toString('base64')}`);
  exchange.verifyServer(`v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`);
}

const role = { password: 'secret', salt: 'salt of the role', iterations: 4096 };

test('a role logs in again and again, and each login has a proof of its own', async () => {
  for (let login = 0; login < 3; login++) await logIn('secret', role);
});

test('logins at the same time do not disturb each other', async () => {
  await Promise.all([logIn('secret', role), logIn('secret', role), logIn('other', { ...role, password: 'other' })]);
});

test('a password, salt or number of iterations that has changed counts at once', async () => {
  await logIn('secret', role);
  await logIn('changed', { ...role, password: 'changed' });
  await logIn('changed', { ...role, password: 'changed', salt: 'another salt' });
  await logIn('changed', { ...role, password: 'changed', salt: 'another salt', iterations: 5000 });
  await logIn('secret', role);
  await assert.rejects(logIn('wrong', role));
});
