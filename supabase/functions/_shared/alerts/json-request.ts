import type { AlertRequest } from './channel-contract.ts';

export function jsonRequest(url: string, body: unknown, headers: Record<string, string> = {}): AlertRequest {
  return { url, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
