/** New Relic's Log API: https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/ */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { endpointOf, formOf, httpUrl, secretText } from '../form.ts';
import { attributesOf } from '../log-event.ts';

const compress = promisify(gzip);

export const newRelic = formOf(
  { base_uri: httpUrl, license_key: secretText },
  ['license_key'],
  ({ base_uri, license_key }) => {
    const endpoint = endpointOf(base_uri);
    return {
      endpoint,
      async message(events) {
        const logs = events.map((event) => ({
          timestamp: Math.floor(event.micros / 1000),
          message: event.message,
          attributes: attributesOf(event),
        }));
        return {
          type: 'http',
          path: endpoint.path === '' ? '/log/v1' : endpoint.path,
          headers: {
            'api-key': license_key,
            'content-type': 'application/json',
            'content-encoding': 'gzip',
          },
          body: await compress(JSON.stringify([{ common: { attributes: { logtype: 'ward' } }, logs }])),
        };
      },
    };
  },
);
