/** Looks names up with the resolvers of this host, or with those that the operator names. */
import { Resolver } from 'node:dns/promises';
import { errnoOf } from '../../lib/index.ts';

export interface FoundAddress {
  readonly address: string;
  readonly ttlSeconds: number;
}

/** `unknown`: the name does not exist. `failed`: no resolver answered. */
export type Lookup = readonly FoundAddress[] | 'unknown' | 'failed';

export interface Upstream {
  /** Follows CNAME records; the shortest time to live in a chain counts. Never rejects. */
  lookup(name: string, family: 4 | 6): Promise<Lookup>;
}

const perTryMs = 2000;
const tries = 2;

/** @param servers The servers to ask now, such as `203.0.113.53` or `203.0.113.53:5353`. */
export function openUpstream(servers: () => readonly string[]): Upstream {
  return {
    async lookup(name, family) {
      // A new resolver for each lookup follows changes of the servers at once, and does not reuse ports.
      const resolver = new Resolver({ timeout: perTryMs, tries });
      try {
        resolver.setServers(servers());
        const found = await (family === 4
          ? resolver.resolve4(name, { ttl: true })
          : resolver.resolve6(name, { ttl: true }));
        return found.map(({ address, ttl }) => ({ address, ttlSeconds: Math.max(0, ttl) }));
      } catch (error) {
        const code = errnoOf(error);
        if (code === 'ENODATA') return [];
        return code === 'ENOTFOUND' ? 'unknown' : 'failed';
      }
    },
  };
}
