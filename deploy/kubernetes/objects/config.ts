/**
 * The configuration file of each role, and what its pods and the migration get by the environment. The addresses are in
 * the same ConfigMap as the file, so that an overlay changes each in one place.
 */
import type { ConfigMap, EnvVar } from 'kubernetes-types/core/v1.js';
import { apiPort, metaOf } from './names.ts';
import type { Settings } from './settings.ts';

/** Mounted in each pod of the role; commands in a pod find it by `WARD_CONFIG`. */
export const configFile = '/etc/ward/config/ward.yaml';

export function configMap(component: 'api' | 'invoker', settings: Settings): ConfigMap {
  const namespace = component === 'api' ? settings.namespaces.api : settings.namespaces.invokers;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metaOf(configMapName(component), namespace, component),
    data: { ...addressesOf(component, settings), 'ward.yaml': settings[component].config },
  };
}

function addressesOf(component: 'api' | 'invoker', { api, invoker, engines }: Settings) {
  return component === 'api' ? { url: api.url, blobs: engines.blobs } : { url: api.url, join: invoker.join };
}

/** @param key of the ConfigMap of the role */
export function configVariable(name: string, component: 'api' | 'invoker', key: string): EnvVar {
  return { name, valueFrom: { configMapKeyRef: { name: configMapName(component), key } } };
}

export function configMapName(component: 'api' | 'invoker'): string {
  return `ward-${component}`;
}

/** The data folder of an API node, below its disk. */
export const apiFolder = '/var/lib/ward/api';

/** Variables of API nodes and of the migration. */
export function apiVariables(): EnvVar[] {
  return [
    { name: 'WARD_NODE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'WARD_LISTEN', value: `:${apiPort}` },
    { name: 'WARD_CONFIG', value: configFile },
    { name: 'WARD_DATA', value: apiFolder },
    { name: 'WARD_IMAGES', value: '/var/lib/ward/images' },
    configVariable('WARD_API_HOST', 'api', 'url'),
    configVariable('WARD_BLOBS', 'api', 'blobs'),
  ];
}
