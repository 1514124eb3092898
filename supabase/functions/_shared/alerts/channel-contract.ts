/** What a kind of channel is: how its requests look, and what its answers mean. One file each in channels/. */
import type { AlertDelivery, AlertMessage } from './alert-message.ts';
import type { AlertView } from './alert-view.ts';

export interface ChannelInput {
  readonly delivery: Pick<AlertDelivery, 'id' | 'subject' | 'settings'>;
  readonly message: AlertMessage;
  readonly view: AlertView;
  /** The value of the channel's function secret. */
  readonly secret: string;
  /** Another function secret by its name. Throws ALERT_SECRET_MISSING. */
  readonly secretOf: (name: string) => string;
  readonly now: Date;
}

export interface AlertRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData;
}

export type Judgement = 'sent' | 'retry' | 'failed';

export interface ChannelKind {
  /** In order; each must be taken before the next is sent. Throws ALERT_SECRET_INVALID, ALERT_SECRET_MISSING. */
  requests(input: ChannelInput): AlertRequest[] | Promise<AlertRequest[]>;
  /** For services whose status alone does not tell; null: the status tells. */
  judge?(status: number, body: string): Judgement | null;
}
