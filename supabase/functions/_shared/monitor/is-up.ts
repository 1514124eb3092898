import type { Sql } from 'postgres';

/** An answer serves everybody who asks meanwhile: strangers may ask as often as they like. */
const KEPT_MS = 5_000;
const LIMIT_MS = 5_000;

/** Is the database there, with a heartbeat? Never throws; at most one query in five seconds. */
export function createIsUp(sql: () => Sql): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = performance.now();
    if (!answer || nowMs - askedAtMs > KEPT_MS) {
      askedAtMs = nowMs;
      answer = ask(sql);
    }
    return answer;
  };
}

async function ask(sql: () => Sql): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), LIMIT_MS);
  });
  const asked = (async () => {
    const [row] = await sql()`select backup.is_up() as up`;
    return row?.up === true;
  })().catch(() => false);
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
