/** SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), the client's side. */
import { ERRORS } from '../errors.ts';

const encoder = new TextEncoder();

const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const usable = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', usable, encoder.encode(text)));
}

interface Salting {
  readonly password: string;
  /** Base64, as the server sends it. */
  readonly salt: string;
  readonly iterations: number;
}

/** A role's salt changes with its password only, and 4,096 iterations cost 2 ms: as much as all else of a login. */
let last: (Salting & { readonly salted: Promise<Uint8Array> }) | null = null;

function saltPassword(salting: Salting): Promise<Uint8Array> {
  const { password, salt, iterations } = salting;
  const known = last?.password === password && last.salt === salt && last.iterations === iterations;
  if (!known) {
    const salted = deriveSalted(salting);
    salted.catch(() => {
      if (last?.salted === salted) last = null;
    });
    last = { ...salting, salted };
  }
  return last!.salted;
}

async function deriveSalted({ password, salt, iterations }: Salting): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(saslPrep(password)), 'PBKDF2', false, ['deriveBits']);
  const options = { name: 'PBKDF2', hash: 'SHA-256', salt: fromBase64(salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(options, key, 256));
}

/** What RFC 4013 does to real passwords; like the server, one that it forbids is taken as it is. */
export function saslPrep(password: string): string {
  const prepared = password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu, '')
    .normalize('NFKC');
  return prepared === '' || /[\p{Cc}\p{Cs}\p{Co}]/u.test(prepared) ? password : prepared;
}

export interface ScramExchange {
  readonly clientFirst: string;
  /** Answers the server's first message; remembers what the server must prove. */
  clientFinal(serverFirst: string): Promise<string>;
  /** Throws DATABASE_LOGIN_FAILED when the server does not know the password either. */
  verifyServer(serverFinal: string): void;
}

function readAttributes(message: string): Record<string, string | undefined> {
  return Object.fromEntries(message.split(',').map((text) => [text.slice(0, 1), text.slice(2)]));
}

export function beginScram(password: string): ScramExchange {
  const nonce = toBase64(crypto.getRandomValues(new Uint8Array(18)));
  const firstBare = `n=,r=${nonce}`;
  let serverSignature = '';
  return {
    clientFirst: `n,,${firstBare}`,
    async clientFinal(serverFirst) {
      const { r = '', s = '', i = '' } = readAttributes(serverFirst);
      const iterations = Number(i);
      if (!r.startsWith(nonce) || r === nonce || s === '' || !Number.isSafeInteger(iterations) || iterations < 1) {
        throw ERRORS.PROTOCOL_VIOLATED(
          "the server's answer to SCRAM must continue our nonce and name salt and iterations",
        );
      }
      const salted = await saltPassword({ password, salt: s, iterations });
      const withoutProof = `c=biws,r=${r}`;
      const signed = `${firstBare},${serverFirst},${withoutProof}`;
      const clientKey = await hmac(salted, 'Client Key');
      const storedKey = new Uint8Array(await crypto.subtle.digest('SHA-256', clientKey));
      const signature = await hmac(storedKey, signed);
      serverSignature = toBase64(await hmac(await hmac(salted, 'Server Key'), signed));
      return `${withoutProof},p=${toBase64(clientKey.map((byte, index) => byte ^ signature[index]!))}`;
    },
    verifyServer(serverFinal) {
      if (serverSignature === '' || readAttributes(serverFinal).v !== serverSignature) {
        throw ERRORS.DATABASE_LOGIN_FAILED('the server did not prove that it knows the password of this user', {
          hint: 'Somebody may be answering in place of the database; check host and network.',
        });
      }
    },
  };
}
