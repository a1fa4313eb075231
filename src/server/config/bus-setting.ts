/** The settings `bus` and `cluster`: which cluster this server is a node of, and how its nodes talk. */
import { hostname } from 'node:os';
import { type BusAddresses, parseBusAddresses } from '../../bus/index.ts';
import { serverFault } from '../faults.ts';
import type { StoreSetting } from './store-setting.ts';

export interface BusSetting {
  readonly addresses: BusAddresses;
  /** Nodes hear only those of the same cluster. */
  readonly cluster: string;
  /** The name of this node. */
  readonly node: string;
}

const defaultCluster = 'ward';

/**
 * Undefined: this server is no node of a cluster.
 * @throws Fault BUS_ADDRESS_INVALID, CONFIG_INVALID
 */
export function parseBusSetting(
  text: string | undefined,
  { name, node }: { readonly name?: string | undefined; readonly node?: string | undefined },
  store: StoreSetting,
): BusSetting | undefined {
  if (text === undefined) return undefined;
  if (store.engine === 'sqlite') {
    throw serverFault('CONFIG_INVALID', 'bus: nodes of a cluster need one database, and store is not set', {
      hint: 'set store: postgres://…, or leave bus: out',
    });
  }
  const cluster = name ?? defaultCluster;
  return { addresses: parseBusAddresses(text), cluster, node: node ?? ownName() };
}

/** The host's name without its domain. */
function ownName(): string {
  const [first = ''] = hostname().split('.');
  return first.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64) || 'node';
}
