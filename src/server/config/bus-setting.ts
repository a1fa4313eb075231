/** The settings `bus` and `cluster`: which cluster this server is a node of, and how its nodes talk. */
import { hostname } from 'node:os';
import type { BlobLocation } from '../../blobs/index.ts';
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
  { store, blobs }: { readonly store: StoreSetting; readonly blobs: BlobLocation | undefined },
): BusSetting | undefined {
  if (text === undefined) return undefined;
  if (store.engine === 'sqlite') throw lacking('one database, and store is not set', 'store: postgres://…');
  if (blobs === undefined) throw lacking('one store of bytes, and blobs is not set', 'blobs: s3://…');
  const cluster = name ?? defaultCluster;
  return { addresses: parseBusAddresses(text), cluster, node: node ?? ownName() };
}

function lacking(what: string, setting: string) {
  return serverFault('CONFIG_INVALID', `bus: nodes of a cluster need ${what}`, {
    hint: `set ${setting}, or leave bus: out`,
  });
}

/** The host's name without its domain. */
function ownName(): string {
  const [first = ''] = hostname().split('.');
  return first.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64) || 'node';
}
