/** Discord, execute webhook: https://discord.com/developers/docs/resources/webhook#execute-webhook */
import type { ChannelKind } from '../channel-contract.ts';
import { cutText } from '../cut-text.ts';
import { jsonRequest } from '../json-request.ts';
import { safeAddress } from '../safe-address.ts';

const COLOUR = { bad: 0xd92d20, warning: 0xdc6803, good: 0x079455, info: 0x1570ef };
const MAX = { title: 256, description: 3000, field: 500, footer: 300 };

export const discord: ChannelKind = {
  requests({ view, message, secret }) {
    const url = safeAddress(secret, 'the webhook address');
    // Without it Discord answers before it has looked at the message.
    url.searchParams.set('wait', 'true');
    const todo = view.todo ? `\n**What to do:** ${escapeDiscord(view.todo)}` : '';
    const embed = {
      title: cutText(escapeDiscord(view.title), MAX.title),
      description: cutText(escapeDiscord(view.text) + todo, MAX.description),
      color: COLOUR[view.tone],
      fields: view.fields.map(({ name, value }) => ({
        name,
        value: cutText(escapeDiscord(value), MAX.field),
        inline: value.length < 30,
      })),
      footer: { text: cutText(view.footer, MAX.footer) },
      timestamp: new Date(message.at).toISOString(),
    };
    return [jsonRequest(url.href, { embeds: [embed], allowed_mentions: { parse: [] } })];
  },
};

/** Markdown, mentions and links mean nothing; allowed_mentions sees to it that nobody is called in any case. */
function escapeDiscord(text: string): string {
  return text.replace(/([\\*_~`|>#[\]()<@:-])/g, '\\$1');
}
