/** Applies rules in the router, in order and as few transactions as possible: what waits goes together. */
import { inNamespace, runNetworkProgram } from './programs.ts';

export interface PacketFilter {
  /** Settles when the rules hold. All or nothing. @throws Fault EGRESS_UNAVAILABLE */
  apply(rules: string): Promise<void>;
}

interface Waiting {
  readonly rules: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function openPacketFilter(namespace: string): PacketFilter {
  const waiting: Waiting[] = [];
  let working = false;
  const load = (rules: string) => runNetworkProgram(inNamespace(namespace, ['nft', '-f', '-']), rules);

  const one = ({ rules, resolve, reject }: Waiting) => load(rules).then(resolve, reject);
  const work = async () => {
    working = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0);
      try {
        await load(batch.map(({ rules }) => rules).join('\n'));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const [only, ...more] = batch;
        if (more.length === 0) only?.reject(error);
        // Nobody's rules fail for those of another one.
        else for (const each of batch) await one(each);
      }
    }
    working = false;
  };
  return {
    apply(rules) {
      return new Promise((resolve, reject) => {
        waiting.push({ rules, resolve, reject });
        if (!working) void work();
      });
    },
  };
}
