/** What a deployment would change in an entity: the names of fields, never their values. */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import type { DesiredEntity } from './desired.ts';
import { managedAnnotation } from './managed.ts';

interface DifferenceContext {
  /** `nodejs:default` → `nodejs:24`, the server's current default. */
  readonly defaultKinds: ReadonlyMap<string, string>;
  /** Current parameters of an action's package; the API shows them as the action's own as well. */
  readonly inherited: JsonObject;
  /** The same after the deployment. */
  readonly willInherit: JsonObject;
}

/** Annotations that the server writes itself. */
const systemAnnotations = ['exec', 'binding', 'provide-api-key'];

/** Empty when nothing would change. */
export function differences(
  desired: DesiredEntity,
  deployed: JsonObject,
  context: DifferenceContext,
): string[] {
  return [
    ...execDifferences(desired, objectOf(deployed['exec']), context),
    ...limitDifferences(desired, objectOf(deployed['limits'])),
    ...bindingDifferences(desired, deployed),
    ...linkDifferences(desired, deployed),
    ...parameterDifferences(desired, valuesOf(deployed['parameters']), context),
    ...annotationDifferences(desired, valuesOf(deployed['annotations'])),
  ];
}

/** Existing annotations that neither the project wants nor the server maintains. */
export function strayAnnotations(desired: DesiredEntity, deployed: JsonObject): string[] {
  return Object.keys(valuesOf(deployed['annotations'])).filter(
    (key) =>
      !Object.hasOwn(desired.annotations, key) && ![...systemAnnotations, managedAnnotation].includes(key),
  );
}

/** `[{key, value}]` as an object. */
export function valuesOf(list: JsonValue | undefined): JsonObject {
  if (!Array.isArray(list)) return {};
  return Object.fromEntries(list.filter(isJsonObject).map(({ key, value }) => [textOf(key), value ?? null]));
}

function execDifferences(
  { exec }: DesiredEntity,
  deployed: JsonObject,
  { defaultKinds }: DifferenceContext,
): string[] {
  if (exec === undefined) return [];
  const kind = textOf(exec['kind']);
  const isSameKind =
    kind.endsWith(':default') && !defaultKinds.has(kind)
      ? textOf(deployed['kind']).split(':')[0] === kind.split(':')[0]
      : textOf(deployed['kind']) === (defaultKinds.get(kind) ?? kind);
  return [
    ...(isSameKind ? [] : ['kind']),
    ...(['image', 'code', 'main'] as const).filter(
      (field) => textOf(exec[field]) !== textOf(deployed[field]),
    ),
    ...(isDeepStrictEqual(exec['components'], deployed['components']) ? [] : ['components']),
  ];
}

/** Limits that the manifest does not name stay the same. */
function limitDifferences({ limits }: DesiredEntity, deployed: JsonObject): string[] {
  return Object.entries(limits ?? {}).flatMap(([name, value]) =>
    deployed[name] === value ? [] : [`limits.${name}`],
  );
}

function bindingDifferences({ type, binding, publish }: DesiredEntity, deployed: JsonObject): string[] {
  if (type !== 'package' && type !== 'binding') return [];
  const { namespace, name } = objectOf(deployed['binding']);
  const isSame = namespace === binding?.namespace && name === binding?.name;
  const isShared = publish === undefined || publish === (deployed['publish'] === true);
  return [...(isSame ? [] : ['binding']), ...(isShared ? [] : ['shared'])];
}

function linkDifferences({ link }: DesiredEntity, deployed: JsonObject): string[] {
  if (link === undefined) return [];
  return (['trigger', 'action'] as const).filter((end) => {
    const { path, name } = objectOf(deployed[end]);
    return `/${textOf(path)}/${textOf(name)}` !== link[end];
  });
}

function parameterDifferences(
  { parameters, type }: DesiredEntity,
  deployed: JsonObject,
  { inherited, willInherit }: DifferenceContext,
): string[] {
  if (parameters === undefined) return [];
  if (type !== 'action') return valueDifferences('parameters', parameters, deployed);
  // The API does not tell whether a value is the action's own or its package's, so a change of the package's counts.
  const shadowed = changedKeys(inherited, willInherit).filter((key) => !Object.hasOwn(parameters, key));
  const own = valueDifferences('parameters', { ...inherited, ...parameters }, deployed);
  return [...new Set([...own, ...shadowed.map((key) => `parameters.${key}`)])];
}

function annotationDifferences(desired: DesiredEntity, deployed: JsonObject): string[] {
  const { [managedAnnotation]: mark, ...wanted } = desired.annotations;
  const kept = Object.entries(deployed).filter(
    ([key]) => key !== managedAnnotation && (!systemAnnotations.includes(key) || Object.hasOwn(wanted, key)),
  );
  const isOurs =
    mark === undefined ||
    objectOf(mark)['projectName'] === objectOf(deployed[managedAnnotation])['projectName'];
  return [
    ...valueDifferences('annotations', wanted, Object.fromEntries(kept)),
    ...(isOurs ? [] : [`annotations.${managedAnnotation}`]),
  ];
}

function valueDifferences(field: string, wanted: JsonObject, deployed: JsonObject): string[] {
  return changedKeys(deployed, wanted).map((key) => `${field}.${key}`);
}

function changedKeys(before: JsonObject, after: JsonObject): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
