import { ERRORS } from '../errors.ts';
import type { AlertRequest, ChannelKind, Judgement } from './channel-contract.ts';
import { cutText } from './cut-text.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { scrubText } from './scrub-text.ts';

export interface SendMeans {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Values that must be in no error. */
  readonly secrets: readonly string[];
}

const MAX_ANSWER_BYTES = 4096;
const MAX_SHOWN_CHARS = 200;

/**
 * Sends one request, and follows no redirect: it could lead anywhere. Throws ALERT_NOT_DELIVERED for what may pass by
 * itself (no answer, 408, 425, 429, 5xx; `details.retryAfterSeconds` when the other side said so), else ALERT_REFUSED.
 */
export async function sendRequest(request: AlertRequest, kind: ChannelKind, means: SendMeans): Promise<void> {
  const { status, body, headers } = await exchange(request, means);
  const judgement = kind.judge?.(status, body) ?? judgeStatus(status);
  if (judgement === 'sent') return;
  const answer = cutText(scrubText(body.replace(/\s+/g, ' ').trim(), means.secrets), MAX_SHOWN_CHARS);
  const message = `it answered ${status}${answer ? `: ${answer}` : ''}`;
  if (judgement === 'failed') throw ERRORS.ALERT_REFUSED(message, { details: { status } });
  throw ERRORS.ALERT_NOT_DELIVERED(message, {
    details: { status, retryAfterSeconds: retryAfterSeconds(headers, body, Date.now()) },
  });
}

async function exchange({ url, headers, body }: AlertRequest, { fetch, timeoutMs, secrets }: SendMeans) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'user-agent': 'Holdfast', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, headers: response.headers, body: await readStart(response) };
  } catch (error) {
    const { name, message, cause } = error as Error;
    const reason =
      name === 'TimeoutError'
        ? `no answer in ${timeoutMs / 1000} seconds`
        : String((cause as Error)?.message ?? message);
    throw ERRORS.ALERT_NOT_DELIVERED(cutText(scrubText(reason, secrets), MAX_SHOWN_CHARS), { cause: error });
  }
}

/**
 * The other side decides how long its answer is; we decide how much of it we take. Never throws: the status says how it
 * went, and what was taken is not sent again because the rest of the answer does not come.
 */
async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    while (bytes < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, MAX_ANSWER_BYTES - bytes), { stream: true });
      bytes += value.length;
    }
  } catch {
    return text;
  }
  // Not waited for: the other side could keep us.
  reader.cancel().catch(() => {});
  return text;
}

function judgeStatus(status: number): Judgement {
  if (status >= 200 && status < 300) return 'sent';
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'retry' : 'failed';
}
