/** What a call did with each target that it reached or was refused. */
import { type Connection, parseRefusal, type Traffic } from '../../egress/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import { type EgressUse, severalRefusals } from '../../store/index.ts';

/** Of one call; what comes later counts without a target. */
export const mostTargets = 10;

/** What is known of one target. */
type Target = Pick<EgressUse, 'target' | 'port' | 'protocol' | 'refusal'>;

interface Ended {
  readonly traffic?: Traffic | undefined;
  readonly violations?: readonly Violation[] | undefined;
}

/**
 * Bytes are known for the call as a whole. If it reached one target, they are that target's; otherwise they count
 * without a target, so that all rows together have the bytes of the call. Undefined: there is nothing.
 */
export function egressUsesOf({ traffic, violations = [] }: Ended): readonly EgressUse[] | undefined {
  const reached = (traffic?.connections ?? []).map(targetOf);
  const refused = violations.filter(({ kind }) => kind === 'egress').map(({ detail }) => refusedOf(detail));
  const uses = new Map<string, EgressUse>();
  const add = (target: Target, amounts: Partial<EgressUse>) => {
    const key = JSON.stringify(target);
    const use = uses.get(key) ?? { ...target, attempts: 0, sentBytes: 0, receivedBytes: 0 };
    uses.set(key, { ...use, ...amounts, attempts: use.attempts + (amounts.attempts ?? 0) });
  };
  for (const target of [...reached, ...refused]) {
    const hasRoom = uses.has(JSON.stringify(target)) || uses.size < mostTargets;
    const refusal = target.refusal === '' ? '' : severalRefusals;
    add(hasRoom ? target : { ...notToldApart, refusal }, { attempts: 1 });
  }
  const { sentBytes = 0, receivedBytes = 0 } = traffic ?? {};
  const passed = [...uses.values()].filter(({ refusal }) => refusal === '');
  const [only = notToldApart] = passed.length === 1 ? passed : [];
  const { target, port, protocol, refusal } = only;
  if (sentBytes + receivedBytes > 0) add({ target, port, protocol, refusal }, { sentBytes, receivedBytes });
  return uses.size === 0 ? undefined : [...uses.values()];
}

const notToldApart: Target = { target: '', port: 0, protocol: '', refusal: '' };

function targetOf({ name, address, port, protocol }: Connection): Target {
  return { target: plainName(name ?? address), port, protocol: plainName(protocol), refusal: '' };
}

function refusedOf(detail: string): Target {
  const refusal = parseRefusal(detail);
  if (refusal === undefined) return { ...notToldApart, refusal: severalRefusals };
  const { target, port, protocol, why } = refusal;
  return { target: plainName(target), port, protocol, refusal: why.replaceAll(/\p{C}/gu, ' ') };
}

/** A database takes no NUL, and would refuse the records of others in the same batch. */
function plainName(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '?');
}
