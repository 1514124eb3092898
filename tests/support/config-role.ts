import type { ConfigRole } from '../../supabase/functions/_shared/domain/project-config.ts';

/** A role with nothing but the attributes given. */
export function configRole(name: string, attributes: Partial<ConfigRole> = {}): ConfigRole {
  return {
    name,
    superuser: false,
    inherit: true,
    create_role: false,
    create_db: false,
    login: false,
    replication: false,
    bypass_rls: false,
    connection_limit: -1,
    valid_until: null,
    comment: null,
    ...attributes,
  };
}
