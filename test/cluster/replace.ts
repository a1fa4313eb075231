/** Replaces a node as an operator with a load balancer does: no call may fail. */
import type { Load } from '../chaos/load.ts';
import type { LoadedSite } from '../chaos/loaded-site.ts';
import type { Cluster, ClusterNode } from './cluster.ts';

/** What stands before the nodes. */
export interface Balancer {
  /** The node that gets no calls. */
  without: ClusterNode | undefined;
}

export interface Replacing {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly balancer: Balancer;
  readonly until: LoadedSite['until'];
  readonly runs: LoadedSite['runs'];
  /** The node on which the operator orders the drain. */
  readonly operator: ClusterNode | undefined;
  stop(node: ClusterNode): Promise<void>;
}

/** @param change what is done while the node is stopped */
export async function replaceNode(
  node: ClusterNode,
  { balancer, load, until, operator, stop, ...site }: Replacing,
  change: () => void = () => {},
): Promise<void> {
  const drain = async (by: ClusterNode | undefined, ...more: string[]) => {
    if (node.role !== 'api') await by?.operate('node', 'drain', node.name, ...more);
  };
  await drain(operator);
  balancer.without = node;
  await until(() => !load.isWaitingFor(node.ward), `calls of ${node.name} do not end`);
  await stop(node);
  change();
  await node.start();
  // An invoker has no database.
  await drain(node.role === 'invoker' ? operator : node, '--undo');
  await untilAllServe({ ...site, until });
  balancer.without = undefined;
}

/** Waits until each node runs a call to its end, which may be behind many others in the queue. */
export async function untilAllServe({
  cluster,
  runs,
  until,
}: Pick<Replacing, 'cluster' | 'runs' | 'until'>): Promise<void> {
  for (const { name, ward } of takingCalls(cluster)) {
    const before = runs().length;
    let waits: string | undefined;
    let last: unknown;
    const serves = async () => {
      const path = `/api/v1/namespaces/_/activations/${waits}`;
      const asked = waits === undefined ? ward.invoke('probe') : ward.request('GET', path);
      const answer = await asked.catch((error: Error) => ({ status: 0, body: error.message }));
      last = answer.body?.response?.result ?? answer.body;
      if (answer.status === 202) waits = answer.body.activationId;
      else if (answer.body?.pending === undefined) waits = undefined;
      return answer.body?.response?.result?.isProbe === true;
    };
    const meanwhile = () => `${runs().length - before} other calls have run`;
    const otherwise = () => `${name} does not serve again: ${JSON.stringify(last)}; ${meanwhile()}`;
    await until(serves, otherwise, 200);
  }
  const seen = runs().length;
  for (const { name, role, ward } of cluster.nodes) {
    if (role === 'api') continue;
    const ran = () =>
      runs()
        .slice(seen)
        .some(({ instance }) => instance === ward.instance);
    await until(ran, `${name} runs nothing`);
  }
}

/** Deploys the action that `untilAllServe` calls. */
export async function deployProbe({ ward }: ClusterNode): Promise<void> {
  const { status } = await ward.deploy('probe', 'const main = () => ({ isProbe: true })');
  if (status !== 200) throw new Error(`the action probe was not deployed: ${status}`);
}

export function takingCalls({ nodes }: Cluster): readonly ClusterNode[] {
  return nodes.filter(({ role }) => role !== 'invoker');
}
