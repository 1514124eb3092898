/** Slack, incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
import type { AlertView } from '../alert-view.ts';
import type { ChannelKind } from '../channel-contract.ts';
import { cutText } from '../cut-text.ts';
import { jsonRequest } from '../json-request.ts';
import { safeAddress } from '../safe-address.ts';

/** Slack refuses a header above 150 characters, a section above 3000, a field above 2000. */
const MAX = { header: 150, section: 3000, field: 2000 };

export const slack: ChannelKind = {
  requests({ view, secret }) {
    const url = safeAddress(secret, 'the webhook address').href;
    const body = view.todo ? `${view.text}\n*What to do:* ${view.todo}` : view.text;
    const blocks: unknown[] = [
      { type: 'header', text: { type: 'plain_text', text: cutText(view.title, MAX.header), emoji: false } },
      { type: 'section', text: marked(body, MAX.section) },
    ];
    if (view.fields.length > 0) {
      const fields = view.fields.map(({ name, value }) => marked(`*${name}*\n${value}`, MAX.field));
      blocks.push({ type: 'section', fields });
    }
    blocks.push({ type: 'context', elements: [marked(view.footer, MAX.field)] });
    return [jsonRequest(url, { text: escapeSlack(notification(view)), blocks })];
  },
};

/** What phones show: one sentence where the title has said it all. */
function notification({ title, text }: AlertView): string {
  const said = title.toLowerCase().endsWith(text.replace(/\.$/, '').toLowerCase());
  return said ? title : `${title}. ${text}`;
}

/** `verbatim`: Slack makes no mentions or links of its own out of it. */
function marked(text: string, maxChars: number) {
  return { type: 'mrkdwn', text: cutEscaped(text, maxChars), verbatim: true };
}

/** Cut before escaping, so that no entity is cut in two. */
function cutEscaped(text: string, maxChars: number): string {
  for (let chars = maxChars; ; chars = Math.floor(chars * 0.8)) {
    const escaped = escapeSlack(cutText(text, chars));
    if (escaped.length <= maxChars) return escaped;
  }
}

/** The three characters with which mentions, links and entities begin. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
