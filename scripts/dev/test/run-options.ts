import { parseArgs } from 'node:util';
import { DATABASE_ERRORS } from '../stack/database/errors.ts';
import type { PostgresMajor } from '../stack/database/postgres-binaries.ts';

export const TEST_USAGE = `usage: npm test -- [path filter ...] [options]
  --pg 15|17         run on one PostgreSQL version only
  --only-unit        run tests/unit only, without any server
  --install          fetch native client programs that are missing into .cache/oracle
  --require-rgw      fail when the tests on Ceph RGW are left out
  --require-oracle   fail when a comparison with the native client programs is left out (fetches them first)
  --require-cron     fail when the tests on Debian's pg_cron are left out
  --help`;

export interface TestRunOptions {
  /** A test file runs when its path contains one of them; all when empty. */
  readonly filters: readonly string[];
  readonly majors: readonly PostgresMajor[];
  readonly onlyUnit: boolean;
  readonly download: boolean;
  readonly requireRgw: boolean;
  readonly requireOracle: boolean;
  readonly requireCron: boolean;
  readonly help: boolean;
}

/** Throws TEST_RUN_INVALID on an unknown option or version. */
export function parseRunOptions(argv: readonly string[]): TestRunOptions {
  const { values, positionals } = parseStrictly(argv);
  if (values.pg !== undefined && values.pg !== '15' && values.pg !== '17') {
    throw DATABASE_ERRORS.TEST_RUN_INVALID(`--pg must be 15 or 17: it is '${values.pg}'`);
  }
  return {
    filters: positionals,
    majors: values.pg === undefined ? [17, 15] : values.pg === '15' ? [15] : [17],
    onlyUnit: values['only-unit'] ?? false,
    download: (values.install ?? false) || (values['require-oracle'] ?? false) || Boolean(process.env.CI),
    requireRgw: values['require-rgw'] ?? false,
    requireOracle: values['require-oracle'] ?? false,
    requireCron: values['require-cron'] ?? false,
    help: values.help ?? false,
  };
}

function parseStrictly(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        pg: { type: 'string' },
        'only-unit': { type: 'boolean' },
        install: { type: 'boolean' },
        'require-rgw': { type: 'boolean' },
        'require-oracle': { type: 'boolean' },
        'require-cron': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw DATABASE_ERRORS.TEST_RUN_INVALID((cause as Error).message, { cause });
  }
}
