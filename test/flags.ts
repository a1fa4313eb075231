/** The flags of the programs that `npm run` starts. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Reads the flags of this process. A wrong one is told with the usage, and ends the process with 2. */
export function readFlags<C extends ParseArgsConfig>(
  config: C,
  usage: string,
): ReturnType<typeof parseArgs<C>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    if (!isAboutFlags(error)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function isAboutFlags(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
