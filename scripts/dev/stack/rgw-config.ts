/** The configuration of a single-node Ceph (one monitor, one OSD in memory, one S3 gateway) on 127.0.0.1. */
export interface RgwConfig {
  readonly dir: string;
  readonly fsid: string;
  /** The gateway's port; the seven after it belong to the monitor (one) and the OSD (six). */
  readonly port: number;
  readonly memoryBytes: number;
  /** Any option of [client.rgw]; wins over the ones below. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Ports that one cluster takes, from the gateway's on. */
export const RGW_PORTS = 8;

export function monitorAddress({ port }: Pick<RgwConfig, 'port'>): string {
  return `[v2:127.0.0.1:${port + 1}]`;
}

export function cephConf(config: RgwConfig): string {
  return [
    section('global', globalOptions(config)),
    section('mon', {
      mon_data: `${config.dir}/mon`,
      mon_data_avail_crit: 1,
      mon_data_avail_warn: 2,
      paxos_propose_interval: 0.05,
      paxos_min_wait: 0.01,
    }),
    section('osd', osdOptions(config)),
    section('client.rgw', { ...gatewayOptions(config), ...config.settings }),
  ].join('\n');
}

function globalOptions({ dir, fsid, port }: RgwConfig) {
  return {
    fsid,
    mon_host: monitorAddress({ port }),
    auth_cluster_required: 'none',
    auth_service_required: 'none',
    auth_client_required: 'none',
    ms_mon_client_mode: 'crc',
    ms_bind_msgr1: false,
    ms_bind_ipv4: true,
    ms_bind_ipv6: false,
    ms_bind_port_min: port + 2,
    ms_bind_port_max: port + RGW_PORTS - 1,
    public_addr: '127.0.0.1',
    cluster_addr: '127.0.0.1',
    run_dir: `${dir}/run`,
    // No socket file: its path would be too long in many temporary directories.
    admin_socket: '',
    crash_dir: `${dir}/log`,
    log_file: `${dir}/log/$name.log`,
    err_to_stderr: true,
    mon_cluster_log_file: `${dir}/log/cluster.log`,
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 4,
    osd_pool_default_pgp_num: 4,
    osd_pool_default_pg_autoscale_mode: 'off',
    osd_crush_chooseleaf_type: 0,
    mon_allow_pool_size_one: true,
    mon_warn_on_pool_no_redundancy: false,
    mon_max_pg_per_osd: 2000,
  };
}

function osdOptions({ dir, memoryBytes }: RgwConfig) {
  return {
    osd_data: `${dir}/osd`,
    osd_objectstore: 'memstore',
    memstore_device_bytes: memoryBytes,
    osd_memory_target: 939_524_096,
    // The default hours would let scrubbing compete with the tests at night.
    osd_scrub_begin_hour: 0,
    osd_max_object_name_len: 2048,
    osd_check_max_object_name_len_on_startup: false,
  };
}

function gatewayOptions({ dir, port }: RgwConfig) {
  return {
    rgw_data: `${dir}/rgw`,
    rgw_frontends: `beast endpoint=127.0.0.1:${port}`,
    rgw_run_sync_thread: false,
    rgw_enable_gc_threads: true,
    // What is deleted is free again at once; by default its memory would be held for two hours.
    rgw_gc_obj_min_wait: 1,
    rgw_gc_processor_period: 1,
    rgw_gc_processor_max_time: 1,
    rgw_enable_quota_threads: false,
    rgw_thread_pool_size: 32,
    rgw_override_bucket_index_max_shards: 1,
    rgw_dynamic_resharding: false,
    rgw_verify_ssl: false,
    // SSE-KMS without TLS and with one built-in key named testkey-1.
    rgw_crypt_require_ssl: false,
    rgw_crypt_s3_kms_backend: 'testing',
    rgw_crypt_s3_kms_encryption_keys: 'testkey-1=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=',
  };
}

function section(name: string, options: Record<string, string | number | boolean>): string {
  const lines = Object.entries(options).map(([key, value]) => `${key} = ${value}`);
  return [`[${name}]`, ...lines, ''].join('\n');
}
