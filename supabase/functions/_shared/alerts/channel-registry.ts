import type { ChannelKind } from './channel-contract.ts';
import { discord } from './channels/discord.ts';
import { mailgun } from './channels/mailgun.ts';
import { pagerduty } from './channels/pagerduty.ts';
import { ping } from './channels/ping.ts';
import { resend } from './channels/resend.ts';
import { sendgrid } from './channels/sendgrid.ts';
import { slack } from './channels/slack.ts';
import { teams } from './channels/teams.ts';
import { webhook } from './channels/webhook.ts';

/** The kinds that backup.alert_channel.kind may name. */
export const CHANNEL_KINDS: Readonly<Record<string, ChannelKind>> = {
  slack,
  discord,
  teams,
  resend,
  sendgrid,
  mailgun,
  pagerduty,
  webhook,
  ping,
};
