/** Splunk's HTTP Event Collector: https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector */
import { z } from 'zod';
import { endpointOf, formOf, httpUrl, portNumber, secretText } from '../form.ts';
import { attributesOf } from '../log-event.ts';

/** `http://` before the host: without TLS. */
const host = z
  .string()
  .max(300)
  .refine(
    (text) => httpUrl.safeParse(urlOf(text)).success && endpointOf(urlOf(text)).path === '',
    'not a host',
  );

export const splunkHec = formOf(
  { host, port: portNumber, index: z.string().min(1).max(200), hec_token: secretText },
  ['hec_token'],
  ({ host, port, index, hec_token }) => ({
    endpoint: { ...endpointOf(urlOf(host)), port: Number(port) },
    message: (events) => ({
      type: 'http',
      path: '/services/collector/event',
      headers: { authorization: `Splunk ${hec_token}`, 'content-type': 'application/json' },
      body: events
        .map((event) => {
          const { namespace, action, message, micros } = event;
          return JSON.stringify({
            time: micros / 1_000_000,
            source: `/${namespace}/${action}`,
            sourcetype: '_json',
            index,
            event: { message, ...attributesOf(event) },
          });
        })
        .join('\n'),
    }),
  }),
);

function urlOf(host: string): string {
  return /^https?:\/\//.test(host) ? host : `https://${host}`;
}
