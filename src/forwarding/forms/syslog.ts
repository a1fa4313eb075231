/** Syslog (RFC 5424) over TLS (RFC 5425) or TCP, each message behind its length in bytes (RFC 6587, 3.4.1). */
import { hostname } from 'node:os';
import { z } from 'zod';
import { formOf, portNumber } from '../form.ts';
import { attributesOf, type LogEvent } from '../log-event.ts';

/** Facility local0, and the severities of errors and information. */
const priorities = { stderr: 16 * 8 + 3, stdout: 16 * 8 + 6 } as const;
/** The number that IANA reserves for examples, because Ward has none. */
const dataId = 'ward@32473';

export const syslog = formOf(
  { host: z.string().min(1).max(300), port: portNumber, protocol: z.enum(['tls', 'tcp']).optional() },
  [],
  ({ host, port, protocol }) => ({
    endpoint: { host, port: Number(port), isTls: protocol !== 'tcp' },
    message: (events) => ({
      type: 'stream',
      body: events
        .map(lineOf)
        .map((line) => `${Buffer.byteLength(line)} ${line}`)
        .join(''),
    }),
  }),
);

function lineOf(event: LogEvent): string {
  const time = `${new Date(event.micros / 1000).toISOString().slice(0, -4)}${String(event.micros % 1_000_000).padStart(6, '0')}Z`;
  const data = Object.entries(attributesOf(event)).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const host =
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, '-')
      .slice(0, 255) || '-';
  return `<${priorities[event.stream]}>1 ${time} ${host} ward - - [${dataId}${data.join('')}] ${event.message}`;
}

/** RFC 5424, 6.3.3. */
function escaped(value: string): string {
  return value.replaceAll(/["\\\]]/g, (character) => `\\${character}`);
}
