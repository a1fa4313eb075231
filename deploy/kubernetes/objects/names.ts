/** Names that several objects share, and their labels. */
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

/** Part of the cluster; the value of `app.kubernetes.io/component`. */
export type Component = 'api' | 'invoker' | 'migrate';

export const apiPort = 3233;
/** The user `ward` of the image (`deploy/container/Containerfile`). */
export const wardUser = 10_233;

/** What a Service, a budget or a policy selects pods by. */
export function selectorOf(component: Component): { [label: string]: string } {
  return { 'app.kubernetes.io/name': 'ward', 'app.kubernetes.io/component': component };
}

export function metaOf(name: string, namespace: string, component?: Component): ObjectMeta {
  const labels = component === undefined ? { 'app.kubernetes.io/name': 'ward' } : selectorOf(component);
  return { name, namespace, labels };
}
