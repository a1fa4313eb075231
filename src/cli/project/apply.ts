/** Carries out the steps of a plan one after the other, and reports how far it got. */
import { isFault, type JsonObject } from '../../lib/index.ts';
import { routeDocument } from '../api-document.ts';
import { askGateway } from '../api-gateway.ts';
import { uploadTimeoutMs } from '../client.ts';
import { annotationOf, textOf } from '../entity-fields.ts';
import { parseEntityName, parseSimpleName } from '../entity-name.ts';
import { callFeed, type LifecycleEvent } from '../feed.ts';
import { toKeyValues } from '../parameters.ts';
import { collectionOf, type DesiredEntity } from './desired.ts';
import { strayAnnotations } from './difference.ts';
import { managedAnnotation } from './managed.ts';
import type { PlanContext, PlanStep } from './plan.ts';

type StepOutcome = 'done' | 'unchanged' | 'kept' | 'failed' | 'not done';

export interface Applied {
  readonly step: PlanStep;
  readonly outcome: StepOutcome;
}

/** The outcome of every step, and the error that stopped it, if any. */
interface ApplyReport {
  readonly applied: readonly Applied[];
  readonly fault: unknown;
}

export async function applySteps(steps: readonly PlanStep[], context: PlanContext): Promise<ApplyReport> {
  const applied: Applied[] = [];
  for (const [at, step] of steps.entries()) {
    try {
      applied.push({
        step,
        outcome: step.change === 'unchanged' ? 'unchanged' : await applyStep(step, context),
      });
    } catch (fault) {
      const rest = steps.slice(at + 1).map((each): Applied => ({ step: each, outcome: 'not done' }));
      return { applied: [...applied, { step, outcome: 'failed' }, ...rest], fault };
    }
  }
  return { applied, fault: undefined };
}

async function applyStep(step: PlanStep, context: PlanContext): Promise<StepOutcome> {
  if (step.kind === 'entity')
    return step.desired === undefined || step.change === 'delete'
      ? removeEntity(step, context)
      : writeEntity(step.desired, step.deployed, step.fields, context);
  const { client, settings } = context;
  if (step.change === 'delete') {
    const query =
      step.kind === 'route'
        ? { basepath: step.route.basePath, relpath: step.route.path, operation: step.route.verb }
        : { basepath: step.name };
    await askGateway(client, settings, { action: 'deleteApi', query });
    return 'done';
  }
  await askGateway(client, settings, await gatewayCreation(step, context));
  return 'done';
}

async function gatewayCreation(
  step: Exclude<PlanStep, { kind: 'entity' }>,
  { client, settings, namespace }: PlanContext,
) {
  if (step.kind === 'document') return { action: 'createApi', query: {}, apidoc: step.document } as const;
  const { basePath, path, verb, apiName, responseType } = step.route;
  const action = parseEntityName(step.route.action, namespace);
  const deployed = await client.sendForObject({
    method: 'GET',
    path: action.segments('actions'),
    query: { code: false },
  });
  const apidoc = routeDocument({ basePath, path, verb, action, apiName }, deployed, settings);
  return { action: 'createApi', query: { responsetype: responseType }, apidoc } as const;
}

/** Removes a trigger's feed with it; keeps a package that others use. */
async function removeEntity(
  step: PlanStep & { readonly kind: 'entity' },
  context: PlanContext,
): Promise<StepOutcome> {
  const { client, namespace } = context;
  const feed = step.deployed === undefined ? undefined : feedNameOf(step.deployed);
  if (step.type === 'trigger' && feed !== undefined) await tellFeed(step.name, feed, 'DELETE', {}, context);
  const collection = collectionOf(step.type);
  const { status } = await client.send({
    method: 'DELETE',
    path: ['namespaces', namespace, collection, ...step.name.split('/')],
    // It is gone already, or the package contains something that is not the project's.
    accepts: collection === 'packages' ? [404, 409] : [404],
  });
  return status === 409 ? 'kept' : 'done';
}

async function writeEntity(
  desired: DesiredEntity,
  deployed: JsonObject | undefined,
  fields: readonly string[],
  context: PlanContext,
): Promise<StepOutcome> {
  const { client, namespace } = context;
  const collection = collectionOf(desired.type);
  const oldFeed = deployed === undefined ? undefined : feedNameOf(deployed);
  const isFeedGone = desired.type === 'trigger' && oldFeed !== undefined && oldFeed !== desired.feed?.name;
  if (isFeedGone) await tellFeed(desired.name, oldFeed, 'DELETE', {}, context);
  await client.send({
    method: 'PUT',
    path: ['namespaces', namespace, collection, ...desired.name.split('/')],
    query: { overwrite: deployed !== undefined },
    body: bodyOf(desired, deployed, namespace),
    timeoutMs: uploadTimeoutMs,
  });
  if (desired.feed === undefined) return 'done';
  const isNew = oldFeed !== desired.feed.name;
  if (isNew) await createFeed(desired, deployed, context);
  else if (fields.some((field) => field === 'feed' || field.startsWith('feed.')))
    await tellFeed(desired.name, desired.feed.name, 'UPDATE', desired.feed.inputs, context);
  return 'done';
}

/** Removes a new trigger whose feed refuses: otherwise the next deployment would take it for complete. */
async function createFeed(
  desired: DesiredEntity,
  deployed: JsonObject | undefined,
  context: PlanContext,
): Promise<void> {
  const { feed, name } = desired;
  if (feed === undefined) return;
  try {
    await tellFeed(name, feed.name, 'CREATE', feed.inputs, context);
  } catch (fault) {
    const path = ['namespaces', context.namespace, 'triggers', name];
    if (deployed === undefined) await context.client.send({ method: 'DELETE', path, accepts: [404] });
    throw fault;
  }
}

/** An error of the feed does not stop the removal of its trigger. */
async function tellFeed(
  trigger: string,
  feed: string,
  event: LifecycleEvent,
  parameters: JsonObject,
  { client, settings, namespace }: PlanContext,
): Promise<void> {
  try {
    await callFeed(client, settings, {
      event,
      trigger: parseSimpleName(trigger, namespace, 'trigger'),
      feed,
      parameters,
    });
  } catch (error) {
    const isGone = event === 'DELETE' && isFault(error) && ['FEED_FAILED', 'NOT_FOUND'].includes(error.code);
    if (!isGone) throw error;
  }
}

function bodyOf(desired: DesiredEntity, deployed: JsonObject | undefined, namespace: string): JsonObject {
  const { annotations, exec, limits, link, binding, parameters, publish } = desired;
  const stray = deployed === undefined ? [] : strayAnnotations(desired, deployed);
  const mark = deployed === undefined ? undefined : annotationOf(deployed, managedAnnotation);
  // Keeps the mark of another deployment, unless this one has its own.
  const all = { ...(mark === undefined ? {} : { [managedAnnotation]: mark }), ...annotations };
  return {
    namespace,
    name: desired.name,
    ...(exec === undefined ? {} : { exec }),
    ...(limits === undefined ? {} : { limits }),
    ...(binding === undefined ? {} : { binding }),
    ...(publish === undefined ? {} : { publish }),
    ...(link === undefined ? {} : link),
    ...(parameters === undefined ? {} : { parameters: toKeyValues(parameters) }),
    annotations: toKeyValues(all),
    // Only an action's annotations are merged; all others are replaced.
    ...(exec === undefined || stray.length === 0 ? {} : { delAnnotations: stray }),
  };
}

function feedNameOf(trigger: JsonObject): string | undefined {
  return textOf(annotationOf(trigger, 'feed')) || undefined;
}
