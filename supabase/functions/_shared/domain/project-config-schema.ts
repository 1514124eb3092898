/** The schema of `config/database.json`. Only readers import this file. */
import { z } from 'zod';
import type { ProjectConfig } from './project-config.ts';

const text = z.string();
const yesOrNo = z.boolean();
const count = z.int().nonnegative();

const role = z.object({
  name: text,
  superuser: yesOrNo,
  inherit: yesOrNo,
  create_role: yesOrNo,
  create_db: yesOrNo,
  login: yesOrNo,
  replication: yesOrNo,
  bypass_rls: yesOrNo,
  connection_limit: z.int().min(-1),
  valid_until: text.nullable(),
  comment: text.nullable(),
});

const membership = z.object({
  role: text,
  member: text,
  admin_option: yesOrNo,
  inherit_option: yesOrNo.nullable(),
  set_option: yesOrNo.nullable(),
});

const setting = z.object({ name: text, value: text.nullable() });

const cronJob = z.object({
  name: text.nullable(),
  schedule: text,
  command: text,
  database: text,
  username: text,
  active: yesOrNo,
  own: yesOrNo,
});

const publication = z.object({
  name: text,
  owner: text,
  all_tables: yesOrNo,
  insert: yesOrNo,
  update: yesOrNo,
  delete: yesOrNo,
  truncate: yesOrNo,
  via_root: yesOrNo,
  tables: z.array(z.object({ schema: text, name: text, columns: z.array(text).nullable(), where: text.nullable() })),
  schemas: z.array(text),
});

const eventTrigger = z.object({
  name: text,
  event: text,
  enabled: z.enum(['O', 'D', 'R', 'A']),
  tags: z.array(text).nullable(),
  function: z.object({ schema: text, name: text }),
  owner: text,
});

const probe = z.object({
  role: z.enum(['anon', 'authenticated']),
  subject: text.nullable(),
  table: text,
  count: count.nullable(),
  sqlstate: text.nullable(),
});

export const PROJECT_CONFIG_SCHEMA = z.object({
  format: z.literal('holdfast-config'),
  version: z.object({ major: z.literal(1), minor: count }),
  database: text,
  server_version_num: count,
  supabase: yesOrNo,
  roles: z.array(role),
  memberships: z.array(membership),
  role_settings: z.array(setting.extend({ role: text.nullable(), in_database: yesOrNo })),
  database_settings: z.array(setting),
  cron_jobs: z.array(cronJob),
  publications: z.array(publication),
  subscriptions: z.array(
    z.object({ name: text, enabled: yesOrNo, slot: text.nullable(), publications: z.array(text) }),
  ),
  event_triggers: z.array(eventTrigger),
  vault_secrets: z.array(z.object({ name: text.nullable(), description: text })),
  extensions: z.array(z.object({ name: text, version: text, schema: text })),
  replication_slots: z.array(z.object({ name: text, plugin: text.nullable() })),
  foreign_servers: z.array(z.object({ name: text, wrapper: text, owner: text, user_mappings: z.array(text) })),
  rls_probes: z.array(probe),
  rls_probes_left_out: z.array(z.object({ table: text, reason: text })),
  unreadable: z.array(z.object({ what: text, reason: text })),
}) satisfies z.ZodType<ProjectConfig>;
