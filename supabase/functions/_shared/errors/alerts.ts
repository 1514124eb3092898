import { defineErrors } from './define.ts';

export const ALERT_ERRORS = defineErrors({
  ALERT_CHANNEL_UNUSABLE: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Make or enable the channel with npm run backup:alerts -- channel set.',
  },
  ALERT_SECRET_MISSING: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Give the functions the secret: supabase secrets set NAME=value. It takes effect with the next call.',
  },
  ALERT_SECRET_INVALID: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Correct the function secret; docs/alerts.md says what each kind of channel needs.',
  },
  ALERT_REFUSED: {
    kind: 'permanent',
    http: 502,
    exit: 1,
    hint: 'The other side does not take the message: look at the address, the key and the settings of the channel.',
  },
  ALERT_NOT_DELIVERED: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'The other side did not take the message now; it is sent again, and then through the fallback.',
  },
  ALERT_SETTING_INVALID: {
    kind: 'permanent',
    http: 422,
    exit: 2,
    hint: 'docs/alerts.md explains channels and rules.',
  },
});
