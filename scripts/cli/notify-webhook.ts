import { ERRORS } from '../../supabase/functions/_shared/errors.ts';

const TIMEOUT_MS = 15_000;

/**
 * Posts the summary as JSON and returns the host that took it: the path of a webhook is often its secret.
 * Throws NOTIFICATION_FAILED.
 */
export async function notifyWebhook(url: string, summary: object): Promise<string> {
  const { host } = new URL(url);
  const answer = await post(url, summary).catch((cause) => {
    throw ERRORS.NOTIFICATION_FAILED(`the notification could not be sent to ${host}: ${reasonOf(cause)}`);
  });
  await answer.body?.cancel();
  if (!answer.ok) throw ERRORS.NOTIFICATION_FAILED(`${host} answered the notification with HTTP ${answer.status}`);
  return host;
}

function post(url: string, summary: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(summary),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

/** Without the URL, which the messages of fetch may carry. */
function reasonOf(cause: unknown): string {
  const { code } = ((cause as Error).cause ?? {}) as { code?: string };
  if (code) return code;
  return (cause as Error).name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1000} s` : 'the request failed';
}
