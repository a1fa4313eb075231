/** Reads manifests as Kubernetes does. */
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { parseAllDocuments } from 'yaml';
import { type KubernetesObject, manifestFiles } from './objects/files.ts';
import { defaultSettings, type Settings } from './objects/settings.ts';

/** Every object with a pod in it. */
export interface Workload extends KubernetesObject {
  readonly spec: { readonly template: { readonly metadata: { labels: object }; readonly spec: PodSpec } };
}

/** Reads YAML 1.1. @throws Error when the text is not YAML */
export function objectsIn(text: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value: unknown = document.toJS();
    return value === null ? [] : [value as KubernetesObject];
  });
}

/** All objects, of all files or of those in these folders. */
export function allObjects(settings: Settings = defaultSettings, folders?: readonly string[]) {
  return manifestFiles
    .filter(({ folder }) => folders === undefined || folders.includes(folder))
    .flatMap(({ objects }) => objects(settings));
}

export function workloadsIn(objects: readonly KubernetesObject[]): readonly Workload[] {
  return objects.filter((each): each is Workload => {
    const { spec }: KubernetesObject & { spec?: { template?: unknown } } = each;
    return spec?.template !== undefined;
  });
}

/** `StatefulSet ward/ward-api`, in the order of the alphabet. */
export function namesOf(objects: readonly KubernetesObject[]): readonly string[] {
  return objects.map(nameOf).toSorted();
}

export function nameOf({ kind, metadata }: KubernetesObject): string {
  const { namespace, name } = metadata ?? {};
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

export function sorted<T extends KubernetesObject>(objects: readonly T[]): readonly T[] {
  return objects.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Memory that an invoker may give to sandboxes, and memory that its pod requests. */
export function sandboxMiB(objects: readonly KubernetesObject[]): {
  readonly granted: number;
  readonly requested: number;
} {
  const config = objects.find((each) => nameOf(each) === 'ConfigMap ward-invokers/ward-invoker');
  const granted = Number(/memoryMiB: (\d+)/.exec(JSON.stringify(config))?.[1]);
  const invoker = workloadsIn(objects).find(({ kind }) => kind === 'DaemonSet');
  const memory = String(invoker?.spec.template.spec.containers[0]?.resources?.requests?.['memory']);
  const requested = Number(/^(\d+)Gi$/.exec(memory)?.[1]) * 1024;
  return { granted, requested };
}
