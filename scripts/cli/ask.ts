/** Questions to a person at a terminal. Where nobody sits, nothing is asked. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { Terminal } from './terminal.ts';

/** True when a question is seen and can be answered. */
export function canAsk({ stdin, stderr }: Terminal): boolean {
  return stdin?.isTTY === true && stderr.isTTY === true;
}

/**
 * The line that was typed, without its end. `hidden` shows nothing of it. Throws CONFIRMATION_MISSING where nobody can be
 * asked, and when the person ends the input or presses Ctrl-C.
 */
export async function ask(terminal: Terminal, question: string, { hidden = false } = {}): Promise<string> {
  const { stdin, stderr } = terminal;
  if (!canAsk(terminal) || !stdin) throw ERRORS.CONFIRMATION_MISSING('a question needs a terminal to be asked on');
  stderr.write(question);
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!hidden) stderr.write(String(chunk));
      done();
    },
  });
  const lines = createInterface({ input: stdin, output: echo, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      const refuse = () => reject(ERRORS.CONFIRMATION_MISSING('the question was not answered'));
      lines.once('line', resolve).once('SIGINT', refuse).once('close', refuse);
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
