/** The way in from outside. Another controller than ingress-nginx needs its own words for the same (docs/kubernetes.md). */
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { apiName } from './api.ts';
import { metaOf } from './names.ts';
import type { Settings } from './settings.ts';

export function ingress({
  namespaces,
  ingress: { className, host, tlsSecret, annotations },
}: Settings): Ingress {
  const backend = { service: { name: apiName, port: { name: 'http' } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { ...metaOf(apiName, namespaces.api, 'api'), annotations },
    spec: {
      ingressClassName: className,
      tls: [{ hosts: [host], secretName: tlsSecret }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  };
}
