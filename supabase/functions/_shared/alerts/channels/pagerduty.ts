/** PagerDuty, Events API v2: https://developer.pagerduty.com/docs/send-alert-event */
import { baseAddress } from '../base-address.ts';
import type { AlertRequest, ChannelInput, ChannelKind } from '../channel-contract.ts';
import { cutText } from '../cut-text.ts';
import { jsonRequest } from '../json-request.ts';

const MAX_SUMMARY_CHARS = 1024;

export const pagerduty: ChannelKind = {
  requests(input) {
    if (input.message.kind === 'resolved') return [event(input, 'resolve')];
    // A test must leave no incident behind.
    return input.message.type === 'test'
      ? [event(input, 'trigger'), event(input, 'resolve')]
      : [event(input, 'trigger')];
  },
};

function event({ delivery, message, view, secret }: ChannelInput, action: 'trigger' | 'resolve'): AlertRequest {
  const url = baseAddress(delivery.settings, 'https://events.pagerduty.com', '/v2/enqueue');
  // All that is said of one problem is one incident, however often it is said.
  const head = {
    routing_key: secret,
    event_action: action,
    dedup_key: `holdfast:${message.problem ?? delivery.subject}`.slice(0, 255),
  };
  if (action === 'resolve') return jsonRequest(url, head);
  return jsonRequest(url, {
    ...head,
    client: 'Holdfast',
    payload: {
      summary: cutText(`${view.title} (${message.source})`, MAX_SUMMARY_CHARS),
      source: message.source,
      severity: message.severity,
      timestamp: new Date(message.at).toISOString(),
      component: 'backups',
      class: message.type,
      custom_details: {
        ...Object.fromEntries(view.fields.map(({ name, value }) => [name, value])),
        ...(view.todo ? { 'What to do': view.todo } : {}),
      },
    },
  });
}
