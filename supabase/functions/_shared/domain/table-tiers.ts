/** The preset of critical tables: five tiers, and the phases in which a restore brings them back and is looked at. */

export interface TableTier {
  readonly tier: number;
  readonly name: 'authentication' | 'business core' | 'finance' | 'communication' | 'operational';
  /** What losing these tables means. */
  readonly loss: string;
  /** In schema public. */
  readonly tables: readonly string[];
}

export const TABLE_TIERS: readonly TableTier[] = [
  {
    tier: 1,
    name: 'authentication',
    loss: 'system failure',
    tables: ['users', 'user_roles', 'user_security_settings', 'login_history'],
  },
  {
    tier: 2,
    name: 'business core',
    loss: 'revenue impact',
    tables: ['calendars', 'calendar_settings', 'service_types', 'bookings'],
  },
  {
    tier: 3,
    name: 'finance',
    loss: 'payment disruption',
    tables: ['business_stripe_accounts', 'booking_payments', 'payment_settings', 'installment_payments'],
  },
  {
    tier: 4,
    name: 'communication',
    loss: 'customer relationship impact',
    tables: ['whatsapp_contacts', 'whatsapp_conversations', 'whatsapp_messages'],
  },
  { tier: 5, name: 'operational', loss: 'debugging difficulty', tables: ['webhook_events', 'security_events_log'] },
];

export interface RestorePhase {
  readonly phase: number;
  readonly name: string;
  /** Minutes after the start of the restore by which the phase is over; null: no such promise. */
  readonly withinMinutes: number | null;
  /** In schema public, in restore order. */
  readonly tables: readonly string[];
  /** What must hold before the next phase begins. */
  readonly validate: string;
}

/** Bookings come back with the payments that refer to them; whatever a phase does not name follows its tier. */
export const RESTORE_PHASES: readonly RestorePhase[] = [
  {
    phase: 1,
    name: 'authentication',
    withinMinutes: 30,
    tables: ['users', 'user_roles', 'user_security_settings', 'login_history'],
    validate: 'users can log in',
  },
  {
    phase: 2,
    name: 'business core',
    withinMinutes: 90,
    tables: ['calendars', 'calendar_settings', 'service_types'],
    validate: 'calendar pages load',
  },
  {
    phase: 3,
    name: 'bookings and revenue',
    withinMinutes: 180,
    tables: ['bookings', 'booking_payments', 'business_stripe_accounts', 'payment_settings', 'installment_payments'],
    validate: 'booking history is visible, payments can be retrieved',
  },
  {
    phase: 4,
    name: 'communication',
    withinMinutes: 240,
    tables: ['whatsapp_contacts', 'whatsapp_conversations', 'whatsapp_messages'],
    validate: 'the WhatsApp integration works',
  },
  {
    phase: 5,
    name: 'operational',
    withinMinutes: null,
    tables: ['webhook_events', 'security_events_log'],
    validate: 'event logs can be read',
  },
];
