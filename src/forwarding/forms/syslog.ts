/** Syslog over TLS (RFC 5425) or TCP. */
import { z } from 'zod';
import { formOf, portNumber } from '../form.ts';
import { attributesOf } from '../log-event.ts';
import { syslogBytes } from '../syslog-line.ts';

/** Facility local0, and the severities of errors and information. */
const priorities = { stderr: 16 * 8 + 3, stdout: 16 * 8 + 6 } as const;

export const syslog = formOf(
  { host: z.string().min(1).max(300), port: portNumber, protocol: z.enum(['tls', 'tcp']).optional() },
  [],
  ({ host, port, protocol }) => ({
    endpoint: { host, port: Number(port), isTls: protocol !== 'tcp' },
    message: (events) => ({
      type: 'stream',
      body: syslogBytes(
        events.map((event) => ({
          priority: priorities[event.stream],
          micros: event.micros,
          data: attributesOf(event),
          text: event.message,
        })),
      ),
    }),
  }),
);
