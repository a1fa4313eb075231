/** A cluster for one test: its authority and its members, in temporary folders. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../store/index.ts';
import { type Authority, makeAuthority } from './authority.ts';
import type { NodeRole } from './node-names.ts';
import { type ClusterService, createClusterService, type ServiceOptions } from './service.ts';

const hourMs = 3_600_000;

export interface TestCluster extends AsyncDisposable {
  readonly folder: string;
  readonly authority: Authority;
  readonly store: Store;
  readonly service: ClusterService;
  /** Another service of the same cluster. */
  serviceWith(options: Partial<ServiceOptions>): ClusterService;
  /** A folder for a node. */
  nodeFolder(name: string): string;
  token(role?: NodeRole, more?: { readonly name?: string; readonly lifeMs?: number }): Promise<string>;
}

export async function startCluster(): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-cluster-'));
  const { authority } = await makeAuthority(folder);
  const store = await openStore({ path: join(folder, 'state', 'ward.db') });
  const serviceWith = (options: Partial<ServiceOptions>) =>
    createClusterService({ authority, members: store.members, ...options });
  const service = serviceWith({ bus: { addresses: 'tls://nats.example.com', cluster: 'ward' } });
  return {
    ...{ folder, authority, store, service, serviceWith },
    nodeFolder: (name) => join(folder, name),
    token: async (role = 'invoker', more = {}) =>
      (await service.newToken({ role, lifeMs: hourMs, ...more })).token,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
