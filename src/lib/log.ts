/**
 * Ward's own log: one JSON line per event on stderr, with everything that looks like a secret redacted by name. A
 * `code` is that of a fault, and shown, except in `exec`, where it is a function's.
 */
import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { LogWriter } from './log-writer.ts';

export type Log = Logger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

const secretNames = [
  'authorization',
  'key',
  'apiKey',
  'api_key',
  'password',
  'secret',
  'token',
  'parameters',
  'exec.code',
];

export function createLog(level: string): Log {
  // Loaded here: most commands log nothing, and start in half the time without it.
  const { pino }: typeof import('pino') = createRequire(import.meta.url)('pino');
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
    },
    new LogWriter(2),
  );
}

/** A log without output. */
export const silentLog = makeSilentLog();

function makeSilentLog(): Log {
  const say = () => {};
  const levels = { fatal: say, error: say, warn: say, info: say, debug: say, trace: say, silent: say };
  const log = { ...levels, level: 'silent', isLevelEnabled: () => false, flush: say, child: () => log };
  // The log has no other members that Ward uses.
  return log as unknown as Log;
}
