/**
 * The operator's view of the nodes of a cluster, as the database has it, whether or not a server is running: lists
 * them, and drains them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { clusterFault } from '../../cluster/index.ts';
import type { AcceptedCounts, ClusterNodeRow, ClusterNodeStore, Store } from '../../store/index.ts';
import { buildInfo } from '../build-info.ts';
import { type NodeFigures, parseFigures, unfinishedAt } from '../cluster/node-figures.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { type CertificateView, certificatesOf } from './certificates.ts';
import { openState, type Place } from './operator-stores.ts';

export interface NodeView {
  readonly name: string;
  readonly role: string;
  /** Of Ward. */
  readonly version: string;
  /** `silent`: no server has noted anything of it for ten seconds. */
  readonly state: 'ready' | 'draining' | 'silent';
  /** The operator has drained it. */
  readonly isDrained: boolean;
  /** Time since a server heard it. Null: no server has to. */
  readonly beatAgeMs: number | null;
  /** Null: not known. */
  readonly figures: NodeFigures | null;
}

export interface NodeList {
  /** False: this Ward is one node, and the only one of the list. */
  readonly isCluster: boolean;
  readonly nodes: readonly NodeView[];
  /** Calls that were accepted with a 202, of all nodes. */
  readonly queue: AcceptedCounts;
  /** The policies that nodes judge by. There should be one. */
  readonly policies: readonly JudgingNodes[];
  /** The operators' VEX documents by which nodes judge. There should be one revision of them. */
  readonly vex: readonly SuppressingNodes[];
  /** The advisories by which nodes judge. There should be one revision of them. */
  readonly advisories: readonly AdvisedNodes[];
  /** Names of nodes that hear no invoker, while others do. */
  readonly alone: readonly string[];
}

export interface StatusView extends NodeList {
  readonly certificates: readonly CertificateView[];
}

/** Nodes that judge by the same policy. */
export interface JudgingNodes {
  readonly policy: string;
  readonly nodes: readonly string[];
}

/** Nodes that judge by the same VEX documents; the revision is empty where there are none. */
export interface SuppressingNodes {
  readonly vex: string;
  readonly nodes: readonly string[];
}

/** Nodes that judge by the same advisories; the revision is empty where there are none. */
export interface AdvisedNodes {
  readonly advisories: string;
  readonly nodes: readonly string[];
}

/** The operator's order to a node. */
export interface NodeOrder {
  readonly name: string;
  readonly isDrained: boolean;
  /** Epoch milliseconds, by the database's clock. */
  readonly at: number;
  /** Other nodes that take work. */
  readonly others: number;
}

/** Undefined: the node has not said yet that it follows the order. */
export type DrainProgress = number | undefined;

/** Servers note each node every two seconds. */
const silentMs = 10_000;
const lookMs = 500;

/** @throws Fault DATA_DIR_EMPTY */
export async function listNodes(place: Place): Promise<NodeList> {
  await using at = await openState(place);
  return await nodeListOf(at.config, at.store);
}

/** What `ward status` shows, from one look into the database. @throws Fault DATA_DIR_EMPTY */
export async function viewStatus(place: Place): Promise<StatusView> {
  await using at = await openState(place);
  const certificates = await certificatesOf(at.config, at.store);
  return { ...(await nodeListOf(at.config, at.store)), certificates };
}

export async function nodeListOf(
  config: Pick<Config, 'bus' | 'node'>,
  store: Pick<Store, 'accepted' | 'clusterNodes'>,
): Promise<NodeList> {
  const nodes = (await store.clusterNodes.list()).map(viewOf);
  const queue = await store.accepted.counts();
  const judged = {
    policies: nodesBy(nodes, 'policy').map(([policy, nodes]) => ({ policy, nodes })),
    vex: nodesBy(nodes, 'vex').map(([vex, nodes]) => ({ vex, nodes })),
    advisories: nodesBy(nodes, 'advisories').map(([advisories, nodes]) => ({ advisories, nodes })),
    alone: nodes.filter(isAlone).map(({ name }) => name),
  };
  if (hasCluster(config, nodes)) return { isCluster: true, nodes, queue, ...judged };
  return { isCluster: false, nodes: [await onlyNode(config, store)], queue, ...judged };
}

/** Names of the nodes that are heard, by what they say that they judge by. */
function nodesBy(
  nodes: readonly NodeView[],
  what: 'policy' | 'vex' | 'advisories',
): readonly (readonly [string, string[]])[] {
  // A node that judges and has no advisories says nothing of them; an older Ward says nothing of VEX.
  const told = what === 'advisories' ? 'policy' : what;
  const judging = nodes.filter(({ state, figures }) => state !== 'silent' && figures?.[told] !== undefined);
  const groups = Map.groupBy(judging, ({ figures }) => figures?.[what] ?? '');
  return Array.from(groups, ([revision, of]) => [revision, of.map(({ name }) => name)] as const);
}

/** @throws Fault NODE_MISSING, DATA_DIR_EMPTY */
export async function showNode(place: Place, name: string): Promise<NodeView> {
  const { nodes } = await listNodes(place);
  const found = nodes.find((node) => node.name === name);
  if (found === undefined) throw missing(name);
  return found;
}

/**
 * Drains a node, or ends that. It takes effect within a second.
 * @throws Fault NODE_MISSING, NODE_ALONE, ROLE_REFUSED, DATA_DIR_EMPTY
 */
export async function drainNode(place: Place, name: string, isDrained: boolean): Promise<NodeOrder> {
  await using at = await openState(place);
  const { clusterNodes } = at.store;
  const nodes = (await clusterNodes.list()).map(viewOf);
  if (!hasCluster(at.config, nodes))
    throw serverFault('NODE_ALONE', 'this Ward is one node, and no other one could take its work', {
      hint: 'to stop it, stop its service: it finishes what runs; only nodes of a cluster have others',
    });
  const node = nodes.find((each) => each.name === name);
  if (node?.role === 'api' && isDrained)
    throw serverFault('ROLE_REFUSED', `node ${name} serves the API alone: it runs nothing that could end`, {
      hint: 'to stop it, stop its service',
    });
  const order = await clusterNodes.order(name, isDrained);
  if (order === undefined) throw missing(name);
  const others = nodes.filter((each) => each !== node && each.state === 'ready' && each.role !== 'api');
  return { ...order, others: others.length };
}

/**
 * Resolves when the node follows the order and nothing runs or waits there.
 * @throws Fault NODE_SILENT, DRAIN_UNDONE, NODE_MISSING
 */
export async function awaitDrained(
  place: Place,
  order: Pick<NodeOrder, 'name' | 'at'>,
  {
    signal,
    onProgress,
  }: { readonly signal: AbortSignal; readonly onProgress: (left: DrainProgress) => void },
): Promise<void> {
  await using at = await openState(place);
  for (;;) {
    const left = await leftAt(at.store.clusterNodes, order);
    if (left === 0) return;
    onProgress(left);
    await delay(lookMs, undefined, { signal });
  }
}

async function leftAt(
  nodes: Pick<ClusterNodeStore, 'get'>,
  { name, at }: Pick<NodeOrder, 'name' | 'at'>,
): Promise<DrainProgress> {
  const row = await nodes.get(name);
  if (row === undefined) throw missing(name);
  if (row.order?.isDrained !== true)
    throw serverFault('DRAIN_UNDONE', `node ${name} takes work again: someone has undone the order`);
  if (row.ageMs > silentMs)
    throw serverFault(
      'NODE_SILENT',
      `no server has heard node ${name} for ${Math.round(row.ageMs / 1000)} s`,
      {
        hint: 'it stays drained, but Ward can’t see whether something still runs there',
      },
    );
  const { orderedAt = 0, invoker } = parseFigures(row.figures) ?? {};
  if (orderedAt < at || invoker?.isDraining !== true) return undefined;
  return unfinishedAt(invoker);
}

function isAlone({ state, figures }: NodeView): boolean {
  return state !== 'silent' && figures?.isAlone === true;
}

function viewOf({ name, role, version, ageMs, order, figures }: ClusterNodeRow): NodeView {
  const known = parseFigures(figures);
  const isDrained = order?.isDrained === true;
  const isDraining = isDrained || known?.invoker?.isDraining === true;
  const state = ageMs > silentMs ? 'silent' : isDraining ? 'draining' : 'ready';
  return { name, role, version, state, isDrained, beatAgeMs: ageMs, figures: known ?? null };
}

/** A node that has joined with a token needs no setting: it has noted itself. */
function hasCluster({ bus }: Pick<Config, 'bus'>, nodes: readonly NodeView[]): boolean {
  return bus !== undefined || nodes.length > 0;
}

/** This Ward, when there is no cluster. */
async function onlyNode(
  { node }: Pick<Config, 'node'>,
  { accepted }: Pick<Store, 'accepted'>,
): Promise<NodeView> {
  return {
    ...{ name: node.name, role: 'all', version: buildInfo.buildno },
    ...{ state: (await accepted.isServed()) ? 'ready' : 'silent', isDrained: false },
    ...{ beatAgeMs: null, figures: null },
  };
}

function missing(name: string) {
  return clusterFault('NODE_MISSING', `no node of the cluster has the name ${JSON.stringify(name)}`, {
    hint: 'ward node list shows the nodes that were heard within a day, and those that are drained',
  });
}
