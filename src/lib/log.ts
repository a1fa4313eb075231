/**
 * Ward's own log: one JSON line an event on stderr, with everything secret-like redacted by name. A `code` is
 * that of a fault, and shown, except in `exec`, where it is a function's.
 */
import { destination, type Logger, pino } from 'pino';

export type Log = Logger;

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
    destination({ fd: 2, sync: false }),
  );
}

/** A log that says nothing. */
export const silentLog: Log = pino({ level: 'silent' });
