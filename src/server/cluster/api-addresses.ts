/** The addresses of API nodes, as a node without a database knows them. The one that answered last comes first. */
import { clusterFault } from '../../cluster/index.ts';
import { isFault } from '../../lib/index.ts';

export interface ApiAddresses {
  /**
   * Tries the addresses in turn until one can be reached.
   * @param work gets a URL without a slash at its end @throws its Faults; CLUSTER_UNREACHABLE when none can be reached
   */
  use<Result>(work: (url: string) => Promise<Result>): Promise<Result>;
  /** For messages. */
  readonly text: string;
}

/** @param given like `https://ward.example.com`, at least one @throws Fault CLUSTER_UNREACHABLE */
export function openAddresses(given: readonly string[]): ApiAddresses {
  const urls = given.map(rootOf);
  return {
    text: urls.join(', '),
    async use(work) {
      let last: unknown;
      for (const url of [...urls]) {
        try {
          const result = await work(url);
          urls.sort((a, b) => Number(b === url) - Number(a === url));
          return result;
        } catch (error) {
          if (!isFault(error, 'CLUSTER_UNREACHABLE')) throw error;
          last = error;
        }
      }
      throw last;
    },
  };
}

/** @throws Fault CLUSTER_UNREACHABLE */
export function rootOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && ['http:', 'https:'].includes(parsed.protocol))
    return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
  const text = `${JSON.stringify(url.slice(0, 200))} is not the address of an API node`;
  throw clusterFault('CLUSTER_UNREACHABLE', text, { hint: 'write it like https://ward.example.com' });
}
