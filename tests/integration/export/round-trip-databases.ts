/** What the tests of round trips share: keys, a directory, databases, and a server that has never heard of Supabase. */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresMajor } from '../../../scripts/dev/stack/database/postgres-binaries.ts';
import { type RunningPostgres, startPostgres } from '../../../scripts/dev/stack/database/start-postgres.ts';
import { createTestDatabase, type TemplateKind, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from './export-harness.ts';

export class RoundTrip {
  readonly keys: Keyring;
  readonly out: string;
  readonly #major: PostgresMajor;
  readonly #plain: RunningPostgres;
  readonly #databases: TestDatabase[] = [];

  private constructor(
    major: PostgresMajor,
    { keys, out, plain }: { keys: Keyring; out: string; plain: RunningPostgres },
  ) {
    this.keys = keys;
    this.out = out;
    this.#major = major;
    this.#plain = plain;
  }

  static async begin(major: PostgresMajor): Promise<RoundTrip> {
    const out = temporaryDirectory();
    chmodSync(out, 0o755); // the account that the server runs as must pass through
    const plain = await startPostgres({ major, dir: join(out, 'server') });
    return new RoundTrip(major, { keys: makeKeyring(), out, plain });
  }

  /** Dropped at the end. */
  async database(template: TemplateKind): Promise<TestDatabase> {
    const created = await createTestDatabase({ major: this.#major, template });
    this.#databases.push(created);
    return created;
  }

  /** The URL of one on the plain server: its roles are of the whole server. */
  async plainDatabase(name: string, sql = ''): Promise<string> {
    const { adminUrl } = this.#plain;
    await withSql(adminUrl, (admin) => admin.unsafe(`create database ${name}`));
    const url = adminUrl.replace(/\/postgres$/, `/${name}`);
    if (sql !== '') await withSql(url, (admin) => admin.unsafe(sql).simple());
    return url;
  }

  async end(): Promise<void> {
    for (const created of this.#databases) await created.drop();
    await this.#plain.stop({ remove: true });
    this.keys.dispose();
    rmSync(this.out, { recursive: true, force: true });
  }
}
