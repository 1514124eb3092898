/** What a health check is: one small file in checks/, listed in check-registry.ts. Reports, metrics, alerts and the doctor read these. */
import type { Sql } from 'postgres';

export type CheckState = 'healthy' | 'unhealthy' | 'inconclusive';
export type CheckSeverity = 'info' | 'warning' | 'critical';
export type CheckCategory = 'backups' | 'restores' | 'capacity' | 'security' | 'platform' | 'personal data';

export interface CheckItem {
  readonly name: string;
  readonly state: CheckState;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly detail: string;
}

/** Never holds rows of the user's tables or secrets: it goes into alerts. */
export interface CheckResult {
  readonly state: CheckState;
  /** How bad it is when it is unhealthy. */
  readonly severity: CheckSeverity;
  /** In the check's unit; null when there is none. */
  readonly value: number | null;
  readonly threshold: number | null;
  /** One line, lower case, without a full stop. */
  readonly detail: string;
  /** What to do, in sentences; empty while it is healthy. */
  readonly todo: string;
  /** The parts that the verdict is made of, where there are several: tables, categories, keys. */
  readonly items?: readonly CheckItem[];
}

export interface CheckMeans {
  /** A read-only transaction with the check's time limit. */
  readonly sql: Sql;
  readonly now: Date;
  /** A row of backup.health_threshold. Throws HEALTH_THRESHOLD_MISSING. */
  threshold(name: string): number;
  /** A number in backup.setting; null when it is not set. */
  setting(name: string): number | null;
  /** Armored; null where the configuration at hand has none. */
  readonly publicKeys: string | null;
}

export interface HealthCheck {
  /** Lower case with underscores; stable, as metrics and alert rules use it. */
  readonly name: string;
  readonly title: string;
  readonly category: CheckCategory;
  readonly unit: string | null;
  /** It judges the configuration at hand: only what the functions have is recorded. */
  readonly ofConfiguration?: boolean;
  /** What it throws makes it inconclusive. */
  run(means: CheckMeans): Promise<CheckResult>;
}

/** A result with the check that gave it. */
export interface CheckedLine extends CheckResult {
  readonly name: string;
  readonly title: string;
  readonly category: CheckCategory;
  readonly unit: string | null;
  readonly items: readonly CheckItem[];
}

/** A line as it stands in the table, with its moments. */
export interface HealthLine extends CheckedLine {
  /** When it came into its state. */
  readonly since: string;
  /** When the problem began; null while there is none. */
  readonly problemSince: string | null;
  readonly checkedAt: string;
}

export interface HealthReport {
  /** The worst: unhealthy, then inconclusive. */
  readonly state: CheckState;
  /** Of what is unhealthy, the worst; null when nothing is. */
  readonly severity: CheckSeverity | null;
  readonly checkedAt: string;
  readonly checks: readonly HealthLine[];
}
