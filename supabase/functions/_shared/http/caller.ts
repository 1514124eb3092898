/** Who makes a request, as proven by its credentials. */
export interface Caller {
  readonly kind: 'service' | 'user';
  /** auth.users.id; null for the service key. */
  readonly userId: string | null;
  /** `app_metadata.role` of a user, which only the project's owner can set; null where there is none. */
  readonly role: string | null;
}

/** What an audit row's `user_id` and a run's `created_by` say of the service key, which is no person. */
export const SERVICE: Caller = { kind: 'service', userId: null, role: null };

export type Authenticate = (headers: Headers) => Promise<Caller>;
