import type { ServerResponse } from 'node:http';

/** Sends an error as the platform's gateway does; a response that has begun can only be cut off. */
export function answerJson(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const code = typeof body.code === 'string' ? { 'sb-error-code': body.code } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...code }).end(JSON.stringify(body));
}
