/** What is to be said, before any channel gives it its form: the column `message` of backup.alert_delivery. */
export type AlertKind = 'open' | 'repeat' | 'escalation' | 'resolved' | 'notice' | 'digest';
export type AlertSeverity = 'info' | 'warning' | 'critical';
export type AlertFact = string | number | boolean;

export interface AlertMessage {
  readonly kind: AlertKind;
  /** The project that it comes from. */
  readonly source: string;
  readonly type: string;
  readonly severity: AlertSeverity;
  /** Made of facts by the database; never the free text of a row. */
  readonly text: string;
  readonly facts: Readonly<Record<string, AlertFact>>;
  /** When it was written: the same for every attempt, so that a repeated request is the same request. */
  readonly at: string;
  readonly todo?: string;
  /** The problem's id; absent from notices. */
  readonly problem?: string;
  readonly key?: string;
  readonly occurrences?: number;
  readonly first_seen?: string;
  readonly resolved_at?: string | null;
  readonly because?: string | null;
  /** What a dead man's switch is told. */
  readonly ping?: 'success' | 'fail';
}

/** A delivery as the sender holds it, with its channel; the channel's fields are null when it is gone. */
export interface AlertDelivery {
  readonly id: string;
  readonly subject: string;
  readonly channel: string;
  readonly attempts: number;
  readonly message: AlertMessage;
  readonly channelKind: string | null;
  readonly enabled: boolean;
  readonly secretName: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
}
