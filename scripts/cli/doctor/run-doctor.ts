/** The command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { EXIT } from '../exit-code.ts';
import { parseArguments } from '../parse-arguments.ts';
import { reportFailure } from '../report-failure.ts';
import type { ExportProcess as DoctorProcess } from '../run-export.ts';
import { doctorCommand, type RawDoctorOptions, UnknownExamination } from './doctor-command.ts';
import { doctorJson, showExamined, showVerdict } from './doctor-report.ts';
import { EXAMINATIONS } from './examinations.ts';
import { runExaminations } from './run-examinations.ts';

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runDoctor({ args, environment, terminal }: DoctorProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const options = readOptions(args, (text) => terminal.stdout.write(text));
    if (options === null) return EXIT.ok;
    const chosen = EXAMINATIONS.filter(({ name }) => options.only === undefined || options.only.includes(name));
    const examined = await runExaminations(environment, chosen, (one) => {
      if (!json) showExamined(one, terminal);
    });
    if (json) terminal.stdout.write(`${doctorJson(examined)}\n`);
    else showVerdict(examined, terminal);
    const ill = examined.some(({ findings }) => findings.some(({ state }) => state === 'problem'));
    return ill ? EXIT.failed : EXIT.ok;
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

/** null when help was all that was asked for. Throws CONFIG_INVALID. */
function readOptions(args: readonly string[], write: (text: string) => void): RawDoctorOptions | null {
  try {
    return parseArguments(doctorCommand(write), args, invalid)?.opts<RawDoctorOptions>() ?? null;
  } catch (error) {
    if (error instanceof UnknownExamination) throw invalid([error.message]);
    throw error;
  }
}

function invalid(problems: string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was changed. --help shows examples.',
  });
}
