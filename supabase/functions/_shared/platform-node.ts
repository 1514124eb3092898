/** The runtime of scripts and tests: Node 20 and newer. */
import process from 'node:process';
import type { Platform } from './platform.ts';
import { connectTcp } from './platform-node-tcp.ts';

export const nodePlatform: Platform = {
  name: 'node',
  env: (name) => process.env[name],
  connectTcp,
  // A pending promise does not keep Node alive, but the I/O it waits for does; its error belongs to whoever made it.
  waitUntil(work) {
    work.catch(() => {});
  },
};
