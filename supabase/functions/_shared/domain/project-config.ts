/**
 * What `config/database.json` says: the part of a project that is neither rows nor DDL of its schemas. Free of zod, so
 * that a worker that only writes it loads no parser; project-config-schema.ts has the schema. It holds names, never
 * passwords, connection strings or values of secrets.
 */

/** Readers refuse a newer major; a minor only adds fields. */
export const CONFIG_VERSION = { major: 1, minor: 0 } as const;

/** Of the JSON text, before compression. */
export const CONFIG_MAX_BYTES = 16 * 1024 * 1024;

export interface ConfigRole {
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly create_role: boolean;
  readonly create_db: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypass_rls: boolean;
  /** -1: no limit. */
  readonly connection_limit: number;
  /** As PostgreSQL writes it in UTC, `infinity` among others; null: for ever. */
  readonly valid_until: string | null;
  readonly comment: string | null;
}

export interface ConfigMembership {
  readonly role: string;
  /** Who is a member of it. */
  readonly member: string;
  readonly admin_option: boolean;
  /** null: the server is older than PostgreSQL 16 and has no such option. */
  readonly inherit_option: boolean | null;
  readonly set_option: boolean | null;
}

export interface ConfigSetting {
  readonly name: string;
  /** As the catalogue has it; null: the name says that it is a secret, so it was left out. */
  readonly value: string | null;
}

export interface ConfigRoleSetting extends ConfigSetting {
  /** null: ALTER ROLE ALL. */
  readonly role: string | null;
  /** Only in this database. */
  readonly in_database: boolean;
}

export interface ConfigCronJob {
  readonly name: string | null;
  readonly schedule: string;
  readonly command: string;
  readonly database: string;
  readonly username: string;
  readonly active: boolean;
  /** Holdfast's own: its migrations create it. */
  readonly own: boolean;
}

export interface ConfigPublication {
  readonly name: string;
  readonly owner: string;
  readonly all_tables: boolean;
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
  readonly via_root: boolean;
  readonly tables: readonly {
    readonly schema: string;
    readonly name: string;
    /** null: all. */
    readonly columns: readonly string[] | null;
    /** SQL; null: all rows. */
    readonly where: string | null;
  }[];
  /** Schemas all of whose tables are in it. */
  readonly schemas: readonly string[];
}

export interface ConfigSubscription {
  readonly name: string;
  readonly enabled: boolean;
  readonly slot: string | null;
  readonly publications: readonly string[];
}

export interface ConfigEventTrigger {
  readonly name: string;
  readonly event: string;
  /** O origin, D disabled, R replica, A always. */
  readonly enabled: 'O' | 'D' | 'R' | 'A';
  /** null: all. */
  readonly tags: readonly string[] | null;
  readonly function: { readonly schema: string; readonly name: string };
  readonly owner: string;
}

/** What a role of the API saw of a table when the backup was made: `count` rows, or the error `sqlstate`. */
export interface RlsProbe {
  readonly role: 'anon' | 'authenticated';
  /** `sub` of the claims; null: none, as for anon. */
  readonly subject: string | null;
  /** `schema.table`. */
  readonly table: string;
  readonly count: number | null;
  readonly sqlstate: string | null;
}

export interface LeftOutProbe {
  /** `schema.table`. */
  readonly table: string;
  /** For instance, that counting takes too long. */
  readonly reason: string;
}

export interface ProjectConfig {
  readonly format: 'holdfast-config';
  readonly version: { readonly major: number; readonly minor: number };
  readonly database: string;
  readonly server_version_num: number;
  readonly supabase: boolean;
  readonly roles: readonly ConfigRole[];
  readonly memberships: readonly ConfigMembership[];
  readonly role_settings: readonly ConfigRoleSetting[];
  readonly database_settings: readonly ConfigSetting[];
  readonly cron_jobs: readonly ConfigCronJob[];
  readonly publications: readonly ConfigPublication[];
  readonly subscriptions: readonly ConfigSubscription[];
  readonly event_triggers: readonly ConfigEventTrigger[];
  readonly vault_secrets: readonly { readonly name: string | null; readonly description: string }[];
  readonly extensions: readonly { readonly name: string; readonly version: string; readonly schema: string }[];
  readonly replication_slots: readonly {
    readonly name: string;
    /** null: a physical slot. */
    readonly plugin: string | null;
  }[];
  readonly foreign_servers: readonly {
    readonly name: string;
    readonly wrapper: string;
    readonly owner: string;
    /** Roles; `public` is everyone. */
    readonly user_mappings: readonly string[];
  }[];
  /** Only of Supabase databases. */
  readonly rls_probes: readonly RlsProbe[];
  readonly rls_probes_left_out: readonly LeftOutProbe[];
  /** What the server did not let us read: a field of this object, and why. */
  readonly unreadable: readonly { readonly what: string; readonly reason: string }[];
}
