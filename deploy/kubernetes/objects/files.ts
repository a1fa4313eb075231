/** Which objects there are, and in which file each is rendered. */
import { join } from 'node:path';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { apiAutoscaler, apiDisruptionBudget, apiService, apiServiceAccount, apiStatefulSet } from './api.ts';
import { configMap } from './config.ts';
import { ingress } from './ingress.ts';
import { invokerDaemonSet, invokerServiceAccount } from './invoker.ts';
import { migrateJob } from './migrate.ts';
import { apiMonitor } from './monitoring.ts';
import { namespaces } from './namespaces.ts';
import { networkPolicies, sandboxEgressPolicy } from './network.ts';
import type { Settings } from './settings.ts';

/** Any object of the API of Kubernetes. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export interface ManifestFile {
  /** Without its suffix. */
  readonly name: string;
  /** Folder below `kustomize/`. */
  readonly folder: string;
  /** The chart has these objects only when this setting is true. */
  readonly when?: string;
  readonly objects: (settings: Settings) => readonly KubernetesObject[];
}

const base = 'base';
const component = (name: string) => join('components', name);

export const manifestFiles: readonly ManifestFile[] = [
  { name: 'namespaces', folder: base, when: 'namespaces.create', objects: namespaces },
  {
    name: 'config',
    folder: base,
    objects: (settings) => [configMap('api', settings), configMap('invoker', settings)],
  },
  { name: 'migrate', folder: base, objects: (settings) => [migrateJob(settings)] },
  {
    name: 'api',
    folder: base,
    objects: (settings) => [
      apiServiceAccount(settings),
      apiService(settings),
      apiStatefulSet(settings),
      apiDisruptionBudget(settings),
    ],
  },
  {
    name: 'invoker',
    folder: base,
    objects: (settings) => [invokerServiceAccount(settings), invokerDaemonSet(settings)],
  },
  { name: 'network', folder: base, objects: networkPolicies },
  { name: 'ingress', folder: base, when: 'ingress.enabled', objects: (settings) => [ingress(settings)] },
  {
    name: 'autoscaler',
    folder: component('autoscaling'),
    when: 'autoscaling.enabled',
    objects: (settings) => [apiAutoscaler(settings)],
  },
  {
    name: 'monitor',
    folder: component('monitoring'),
    when: 'monitoring.enabled',
    objects: (settings) => [apiMonitor(settings)],
  },
  {
    name: 'sandbox-egress',
    folder: component('sandbox-egress'),
    when: 'sandboxEgress.enabled',
    objects: (settings) => [sandboxEgressPolicy(settings)],
  },
];
