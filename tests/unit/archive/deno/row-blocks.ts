/** Blocks of up to 1 MB, some of them small, that look like COPY text of bookings; the same bytes at every call. */
export async function* rowBlocks(megabytes: number): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  const hex = () => random(0x7fffffff).toString(16).padStart(8, '0');
  const rows: string[] = [];
  for (let size = 0; size < 1_048_576; ) {
    const row = `${hex()}-${hex()}\tCustomer ${random(9999)}\tcustomer${random(9999)}@example.com\t2026-01-${10 + random(19)} 1${random(9)}:00:00+00\t${random(500)}.00\tconfirmed\t{"notes": "note ${random(99)}", "source": "web"}\n`;
    rows.push(row);
    size += row.length;
  }
  const block = encoder.encode(rows.join('')).subarray(0, 1_000_000);
  for (let count = 0; count < megabytes; count += 1) yield block.slice(0, count % 5 === 3 ? 40 * count : block.length);
}
