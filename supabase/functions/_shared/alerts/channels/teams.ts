/** Microsoft Teams, Workflows "when a Teams webhook request is received": an Adaptive Card in a message. */
import type { ChannelKind } from '../channel-contract.ts';
import { jsonRequest } from '../json-request.ts';
import { safeAddress } from '../safe-address.ts';

const COLOUR = { bad: 'Attention', warning: 'Warning', good: 'Good', info: 'Accent' };

export const teams: ChannelKind = {
  requests({ view, secret }) {
    const url = safeAddress(secret, 'the workflow address').href;
    const line = (text: string, more = {}) => ({ type: 'TextBlock', text: escapeCard(text), wrap: true, ...more });
    const body: unknown[] = [
      line(view.title, { size: 'Medium', weight: 'Bolder', color: COLOUR[view.tone] }),
      line(view.text),
    ];
    if (view.todo) body.push(line(`What to do: ${view.todo}`));
    if (view.fields.length > 0) {
      const facts = view.fields.map(({ name, value }) => ({ title: name, value: escapeCard(value) }));
      body.push({ type: 'FactSet', facts });
    }
    body.push(line(view.footer, { isSubtle: true, size: 'Small' }));
    const content = {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      msteams: { width: 'Full' },
      body,
    };
    const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
    return [jsonRequest(url, { type: 'message', attachments: [attachment] })];
  },
};

/** Cards know a little markdown: emphasis, lists and links. */
function escapeCard(text: string): string {
  return text.replace(/([\\*_[\]()`~#<>])/g, '\\$1').replace(/^(\s*)([-+]|\d+\.)(\s)/gm, '$1\\$2$3');
}
