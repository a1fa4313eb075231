/** What a name leads to, asked of the resolvers of this host (or those that the operator names). */
import { Resolver } from 'node:dns/promises';
import { errnoOf } from '../../lib/index.ts';

export interface FoundAddress {
  readonly address: string;
  readonly ttlSeconds: number;
}

/** `unknown`: there is no such name. `failed`: nobody could say. */
export type Lookup = readonly FoundAddress[] | 'unknown' | 'failed';

export interface Upstream {
  /** Follows CNAME records; of a chain the shortest time holds. Never rejects. */
  lookup(name: string, family: 4 | 6): Promise<Lookup>;
}

const perTryMs = 2000;
const tries = 2;

/** @param servers `203.0.113.53` or `203.0.113.53:5353`: those to ask now. */
export function openUpstream(servers: () => readonly string[]): Upstream {
  return {
    async lookup(name, family) {
      // One each, so that a change of them holds from the next question on, and ports are not used again.
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
