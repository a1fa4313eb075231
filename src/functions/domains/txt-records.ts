/** Asks DNS for TXT records. Others control what is there, and how long it takes. */
import { Resolver } from 'node:dns/promises';
import { nodeCodeOf } from '../../lib/index.ts';

/** The texts of all records of a name: none if there are none. Rejects when DNS can't tell. */
export type ResolveTxt = (name: string) => Promise<readonly string[]>;

const longestMs = 8000;
const isMissing: readonly (string | undefined)[] = ['ENODATA', 'ENOTFOUND'];

/** @param servers such as `203.0.113.53:53`; none: the resolvers of the host */
export function txtResolverOf(servers: readonly string[] = []): ResolveTxt {
  return async (name) => {
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    const timer = setTimeout(() => resolver.cancel(), longestMs);
    try {
      return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''));
    } catch (error) {
      if (isMissing.includes(nodeCodeOf(error))) return [];
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
}
