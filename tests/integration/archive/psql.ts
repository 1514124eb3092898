import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** Sends a script to psql and returns what it prints, as bytes; a failing script fails the test. */
export function psql(url: string, script: string): Buffer {
  const settings = "set extra_float_digits = 3; set timezone = 'UTC'; set datestyle = 'ISO'; set search_path = '';\n";
  const result = spawnSync('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-f', '-'], {
    input: settings + script,
    maxBuffer: 1 << 30,
    env: { ...process.env, PGCLIENTENCODING: 'UTF8' },
  });
  assert.equal(result.status, 0, result.stderr.toString());
  return result.stdout;
}

/** Creates an empty database and returns its URL. */
export function createDatabase(serverUrl: string, name: string): string {
  psql(
    serverUrl,
    `drop database if exists ${name} with (force);\ncreate database ${name} template template0 encoding 'UTF8';`,
  );
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export function dropDatabase(serverUrl: string, name: string): void {
  psql(serverUrl, `drop database if exists ${name} with (force);`);
}
