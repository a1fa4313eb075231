/** A part that attacks a server of its own, which is looked over afterwards. */
import type fc from 'fast-check';
import { openTarget, type Target } from './target.ts';
import type { Part, Probe } from './types.ts';

export interface ServerAttack {
  readonly probes: fc.Arbitrary<Probe>;
  /** After the last input. @throws when the attack was none */
  check?(): void;
}

export interface ServerPart extends Part {
  /** So that several can attack one server. */
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
