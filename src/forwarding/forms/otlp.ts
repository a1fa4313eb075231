/** OpenTelemetry's protocol over HTTP, in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import { z } from 'zod';
import { endpointOf, formOf, httpUrl } from '../form.ts';
import { attributesOf } from '../log-event.ts';

const header = z.string().regex(/^[\x20-\x7e]{1,1000}$/, 'not the text of a header');
/** Headers about the connection and the length are Ward's own. */
const headerName = z
  .string()
  .regex(/^[\w-]{1,100}$/, 'not the name of a header')
  .refine(
    (name) =>
      !/^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|proxy-.*)$/i.test(name),
    {
      message: 'not a header for keys',
    },
  );

export const otlp = formOf(
  { endpoint: httpUrl, headers: z.record(headerName, header).optional() },
  ['headers'],
  ({ endpoint: url, headers }) => {
    const endpoint = endpointOf(url);
    return {
      endpoint,
      message(events) {
        const logRecords = events.map((event) => ({
          timeUnixNano: `${event.micros}000`,
          severityNumber: event.stream === 'stderr' ? 17 : 9,
          severityText: event.stream === 'stderr' ? 'ERROR' : 'INFO',
          body: { stringValue: event.message },
          attributes: keyValues(attributesOf(event)),
          ...(event.traceId === undefined ? {} : { traceId: event.traceId }),
        }));
        const resource = { attributes: keyValues({ 'service.name': 'ward' }) };
        return {
          type: 'http',
          path: `${endpoint.path}/v1/logs`,
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({
            resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'ward' }, logRecords }] }],
          }),
        };
      },
    };
  },
);

function keyValues(attributes: Readonly<Record<string, string>>) {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}
