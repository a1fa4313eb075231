/**
 * Applies rules in the router, with as few transactions as possible: rules that wait are applied together. Tenants take
 * turns, so that one tenant's questions don't delay another's.
 */
import { inNamespace, runNetworkProgram } from '../programs.ts';

export interface PacketFilter {
  /**
   * Settles when the rules are in force. All or nothing; the rules of one tenant stay in order.
   * @param tenant '' is Ward itself, which goes first.
   * @throws Fault EGRESS_UNAVAILABLE
   */
  apply(rules: string, tenant: string): Promise<void>;
}

/** Most rules in one transaction, so that no tenant waits long for the others in it. */
const mostAtOnce = 32;

interface Waiting {
  readonly rules: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** @param load Loads a text of rules, all or nothing. */
export function openPacketFilter(
  namespace: string,
  load = (rules: string) => runNetworkProgram(inNamespace(namespace, ['nft', '-f', '-']), rules),
): PacketFilter {
  const queues = new Map<string, Waiting[]>();
  let working = false;

  const one = ({ rules, resolve, reject }: Waiting) => load(rules).then(resolve, reject);
  const work = async () => {
    working = true;
    for (let batch = takeTurns(queues); batch.length > 0; batch = takeTurns(queues)) {
      try {
        await load(batch.map(({ rules }) => rules).join('\n'));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const [only, ...more] = batch;
        if (more.length === 0) only?.reject(error);
        // One tenant's rules must not fail because of another's.
        else for (const each of batch) await one(each);
      }
    }
    working = false;
  };
  return {
    apply(rules, tenant) {
      return new Promise((resolve, reject) => {
        const queue = queues.get(tenant) ?? [];
        queue.push({ rules, resolve, reject });
        queues.set(tenant, queue);
        if (!working) void work();
      });
    },
  };
}

/** Takes one entry of each tenant, then a second of each. A tenant that had a turn goes behind the others next time. */
function takeTurns(queues: Map<string, Waiting[]>): Waiting[] {
  const batch: Waiting[] = queues.get('')?.splice(0) ?? [];
  queues.delete('');
  while (batch.length < mostAtOnce) {
    const [tenant, queue] = queues.entries().next().value ?? [];
    const next = queue?.shift();
    if (tenant === undefined || queue === undefined || next === undefined) break;
    queues.delete(tenant);
    if (queue.length > 0) queues.set(tenant, queue);
    batch.push(next);
  }
  return batch;
}
