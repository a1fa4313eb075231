/** Scraping by the Prometheus Operator, whose objects no package of types has: only the fields that Ward uses. */
import type { LabelSelector, ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { apiName } from './api.ts';
import { metaOf, selectorOf } from './names.ts';
import { secretNames } from './secrets.ts';
import type { Settings } from './settings.ts';

/** https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor */
export interface ServiceMonitor {
  readonly apiVersion: 'monitoring.coreos.com/v1';
  readonly kind: 'ServiceMonitor';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly selector: LabelSelector;
    readonly endpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly interval: string;
      readonly authorization: {
        readonly type: 'Bearer';
        readonly credentials: { readonly name: string; readonly key: string };
      };
    }[];
  };
}

export function apiMonitor({ namespaces, monitoring }: Settings): ServiceMonitor {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      selector: { matchLabels: selectorOf('api') },
      endpoints: [
        {
          port: 'http',
          path: '/metrics',
          interval: monitoring.interval,
          authorization: { type: 'Bearer', credentials: { name: secretNames.metrics, key: 'token' } },
        },
      ],
    },
  };
}
