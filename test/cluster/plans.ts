/** The nodes of a cluster under load: their roles, their configurations, and their ways to the engines. */
import { join } from 'node:path';
import { functionMiB } from '../chaos/functions.ts';
import type { Edit } from '../chaos/preload.ts';
import { preloadEnv } from '../chaos/preloading.ts';
import { loadConfig, ordersFile } from '../chaos/site.ts';
import { hurried, hurry } from './churn.ts';
import type { NodePlan, Role } from './cluster.ts';
import type { Engines } from './engines.ts';
import { hurryLayers } from './layers.ts';
import { type Links, openLinks } from './links.ts';

/** Memory of a node, which is room for most of the load's actions: starts of sandboxes take most of the processor. */
export const memoryMiB = 8 * functionMiB;
const keepAliveMs = 15_000;
/** Longer than the 2.75 s after which a node that is not heard is given up, so that its callers learn it. */
export const blockingWaitMs = 5000;
type Names = readonly (readonly [name: string, role: Role])[];
const usualNodes: Names = [
  ['node-1', 'all'],
  ['node-2', 'all'],
  ['api-1', 'api'],
];
const nodesWithInvoker: Names = [
  ['node-1', 'all'],
  ['api-1', 'api'],
  ['invoker-1', 'invoker'],
];

export interface PlanOptions {
  readonly edits?: readonly Edit[];
  /** Nodes that run actions have disks of this size. */
  readonly nodeDiskMiB?: number | undefined;
  /** A node is an invoker, which has joined the others. */
  readonly hasInvoker?: boolean;
  /** What the lines of nodes must not pass on. */
  readonly keeps?: (piece: Buffer) => boolean;
}

/** @param urlOf the address of a node, once it serves */
export async function planNodes(
  engines: Engines,
  { edits = [], nodeDiskMiB, hasInvoker = false, keeps = () => false }: PlanOptions,
  urlOf: (name: string) => string,
): Promise<{ readonly plans: readonly NodePlan[]; readonly links: ReadonlyMap<string, Links> }> {
  const links = new Map<string, Links>();
  const plans: NodePlan[] = [];
  const nodes = hasInvoker ? nodesWithInvoker : usualNodes;
  const apiUrls = nodes
    .filter(([, role]) => role !== 'invoker')
    .map(
      ([name]) =>
        () =>
          urlOf(name),
    );
  for (const [name, role] of nodes) {
    const own = await openLinks(engines, role === 'invoker' ? apiUrls : [], keeps);
    links.set(name, own);
    const invoker = { ...loadConfig.invoker, memoryMiB, keepAliveMs };
    const limits = { ...loadConfig.limits, blockingWaitMs };
    plans.push({
      ...{ name, role, settings: own.settings },
      envIn: (dataDir) =>
        preloadEnv({ orders: join(dataDir, ordersFile), edits: [...hurry, ...hurryLayers, ...edits] }),
      config: {
        ...{ ...loadConfig, invoker, limits, retention: hurried },
        ...(role === 'invoker' && { bus: own.settings.bus }),
      },
      join: own.apis,
      diskMiB: role === 'all' ? nodeDiskMiB : undefined,
    });
  }
  return { plans, links };
}
