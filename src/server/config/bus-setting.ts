/** The settings `bus` and `cluster`: which cluster this server is a node of, and how its nodes talk. */
import { hostname } from 'node:os';
import type { BlobLocation } from '../../blobs/index.ts';
import type { BusAddresses } from '../../bus/index.ts';
import { serverFault } from '../faults.ts';
import type { StoreSetting } from './store-setting.ts';

export interface NodeNames {
  readonly name: string;
  /** The cluster's name on the bus: nodes hear only those of the same cluster. */
  readonly cluster: string;
}

const defaultCluster = 'ward';

/** Names that are not set are `ward`, and the name of this machine. */
export function nodeNames({
  name,
  node,
}: {
  readonly name?: string | undefined;
  readonly node?: string | undefined;
}): NodeNames {
  return { name: node ?? ownName(), cluster: name ?? defaultCluster };
}

/** Nodes that serve the API read the same database and the same bytes. @throws Fault CONFIG_INVALID */
export function requireSharedStores({
  bus,
  store,
  blobs,
}: {
  readonly bus: BusAddresses | undefined;
  readonly store: StoreSetting;
  readonly blobs: BlobLocation | undefined;
}): void {
  if (bus === undefined) return;
  if (store.engine === 'sqlite') throw lacking('one database, and store is not set', 'store: postgres://…');
  if (blobs === undefined) throw lacking('one store of bytes, and blobs is not set', 'blobs: s3://…');
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
