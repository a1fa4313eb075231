/** A part that attacks a server of its own, and checks the server's health afterwards. */
import type fc from 'fast-check';
import { openTarget, type Target } from './target.ts';
import type { Part, Probe } from './types.ts';

export interface ServerAttack {
  readonly probes: fc.Arbitrary<Probe>;
  /** Runs after the last input. @throws Error when the attack was ineffective */
  check?(): void;
}

export interface ServerPart extends Part {
  /** Lets several parts attack one server. */
  readonly against: (target: Target) => Promise<ServerAttack>;
}

export function serverPart(
  part: Pick<ServerPart, 'name' | 'share' | 'against'> & { readonly lanes: number },
): ServerPart {
  return {
    ...part,
    needsSandboxes: true,
    async open() {
      const target = await openTarget();
      const { probes, check } = await part.against(target);
      return {
        probes,
        lanes: part.lanes,
        async settle() {
          check?.();
          await target.settle();
        },
        [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
      };
    },
  };
}
