/** Azure Monitor's HTTP Data Collector API: https://learn.microsoft.com/azure/azure-monitor/logs/data-collector-api */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { formOf } from '../form.ts';
import { attributesOf } from '../log-event.ts';

const resource = '/api/logs';

export const azureLogAnalytics = formOf(
  {
    /** The id of the workspace, which is a part of its host name. */
    customer_id: z.uuid(),
    shared_key: z.base64().min(1).max(500),
    log_type: z.string().regex(/^[A-Za-z0-9_]{1,100}$/, 'letters, digits and _ only, at most 100'),
  },
  ['shared_key'],
  ({ customer_id, shared_key, log_type }) => ({
    endpoint: { host: `${customer_id.toLowerCase()}.ods.opinsights.azure.com`, port: 443, isTls: true },
    message(events, now) {
      const body = JSON.stringify(
        events.map((event) => ({
          time: new Date(event.micros / 1000).toISOString(),
          message: event.message,
          ...attributesOf(event),
        })),
      );
      const date = new Date(now).toUTCString();
      const toSign = `POST\n${Buffer.byteLength(body)}\napplication/json\nx-ms-date:${date}\n${resource}`;
      const signature = createHmac('sha256', Buffer.from(shared_key, 'base64'))
        .update(toSign)
        .digest('base64');
      return {
        type: 'http',
        path: `${resource}?api-version=2016-04-01`,
        headers: {
          authorization: `SharedKey ${customer_id}:${signature}`,
          'content-type': 'application/json',
          'log-type': log_type,
          'x-ms-date': date,
          'time-generated-field': 'time',
        },
        body,
      };
    },
  }),
);
