/** JSON lines from crun and runc (`--log-format json`). */
import { z } from 'zod';

const lineSchema = z.object({ level: z.string().optional(), msg: z.string() });

/** Joins the messages at level error and above, in order; '' without any. */
export function errorsInJsonLog(log: string): string {
  return log
    .split('\n')
    .flatMap((line) => {
      const entry = parseLine(line);
      return entry !== undefined && isError(entry.level) ? [entry.msg.trim()] : [];
    })
    .join('; ');
}

function parseLine(line: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function isError(level: string | undefined): boolean {
  return level === undefined || ['error', 'fatal', 'panic'].includes(level);
}
