/** Clusters of Ward for one measurement each. They share the engines, and nothing in them. */
import { Cluster, type Role } from '../../test/cluster/cluster.ts';
import type { EngineSettings, Engines } from '../../test/cluster/engines.ts';
import type { Ward } from '../../test/ward.ts';

export interface PlannedNode {
  readonly name: string;
  readonly role: Role;
  /** Of all its sandboxes. */
  readonly memoryMiB?: number;
}

/** More than any measurement asks for. */
const unlimited = { concurrentInvocations: 1_000_000, invocationsPerMinute: 1_000_000_000 };

export class Site {
  readonly #engines: Engines;
  #places = 0;

  constructor(engines: Engines) {
    this.#engines = engines;
  }

  /** The first node must serve the API. */
  async cluster(nodes: readonly PlannedNode[]): Promise<Cluster> {
    const { name, settings } = await this.place();
    const plans = nodes.map(({ name: node, role, memoryMiB = 1024 }) => ({
      ...{ name: node, role, settings },
      config: {
        cluster: { name, node },
        limits: unlimited,
        ...(role === 'api' ? {} : { invoker: { prewarm: [], memoryMiB } }),
      },
    }));
    return await Cluster.start(plans);
  }

  /** A database, a name on the bus and a part of the bucket that nothing has used. */
  async place(): Promise<{ readonly name: string; readonly settings: EngineSettings }> {
    const name = `bench${++this.#places}`;
    const { postgres, settings } = this.#engines;
    await postgres.admin(`create database ${name}`);
    const blobs = settings.blobs.replace('/ward?', `/${name}?`);
    return { name, settings: { ...settings, store: postgres.url(name), blobs } };
  }
}

/** Deploys an action, and calls it until an invoker is heard and has it warm. */
export async function warmUp(ward: Ward, name: string, code: string): Promise<void> {
  const { status } = await ward.deploy(name, code);
  if (status !== 200) throw new Error(`a deploy was answered with ${status}`);
  await ward.until(async () => (await ward.invoke(name)).status === 200);
}
