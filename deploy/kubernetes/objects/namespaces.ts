/**
 * Two namespaces, so that the cluster itself keeps the API nodes to the Pod Security Standard `restricted`, and so that
 * the rights to read the database's password don't come with the rights to read an invoker's Secrets.
 */
import type { Namespace } from 'kubernetes-types/core/v1.js';
import type { Settings } from './settings.ts';

export function namespaces(settings: Settings): Namespace[] {
  return [
    namespace(settings.namespaces.api, 'restricted'),
    // An invoker makes mounts, namespaces and control groups, as the kubelet does. Its sandboxes have no rights.
    namespace(settings.namespaces.invokers, 'privileged'),
  ];
}

/** @param level https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function namespace(name: string, level: 'restricted' | 'privileged'): Namespace {
  const labels = {
    'app.kubernetes.io/name': 'ward',
    'pod-security.kubernetes.io/enforce': level,
    'pod-security.kubernetes.io/warn': level,
    'pod-security.kubernetes.io/audit': level,
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}
