/** Makes and ends waivers, each in one transaction with its entry in the audit log. */
import { rm } from 'node:fs/promises';
import type { OperatorWaivers } from '../../api/index.ts';
import { type Gate, type GateStore, newWaiver, type Waiver, waiverEntry } from '../../gate/index.ts';
import { currentActor, type Log, Turns } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { type PolicySource, readWaiversFile, takeUp } from './policy-source.ts';

type WaiverStore = Pick<GateStore, 'waivers' | 'write'>;

/** Each counts at every judgement. */
const mostWaivers = 1000;

export interface WaiversOptions {
  readonly policy: Pick<PolicySource, 'refresh'>;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly store: WaiverStore;
  /** Lets other servers look for the change at once. Must not throw. */
  readonly tellOthers: () => void;
  readonly log: Log;
}

/** Those of a running Ward, which judges again at once. */
export function createWaivers({ policy, gate, store, tellOthers, log }: WaiversOptions): OperatorWaivers {
  const turns = new Turns(1);
  return {
    list: () => store.waivers(),
    add: (asked) =>
      turns.take(async () => {
        const made = await addWaiver(store, asked);
        tellOthers();
        await takeUp(policy, gate, log);
        return made;
      }),
    remove: (id) =>
      turns.take(async () => {
        const isGone = await endWaiver(store, id);
        if (!isGone) return false;
        tellOthers();
        await takeUp(policy, gate, log);
        return true;
      }),
  };
}

/** The current actor waives. @throws Fault WAIVER_INVALID, WAIVERS_TOO_MANY */
export async function addWaiver(store: WaiverStore, asked: unknown): Promise<Waiver> {
  const now = Date.now();
  const made = newWaiver(asked, currentActor().who, now);
  if ((await store.waivers()).length >= mostWaivers)
    throw serverFault('WAIVERS_TOO_MANY', `there are ${mostWaivers} waivers already`, {
      hint: 'end those that are over, or write the entry into the policy’s ignore list',
    });
  await store.write({ waivers: [made], audit: [waiverEntry('create-waiver', made, now)] });
  return made;
}

/** Resolves to false when no waiver has this id. */
export async function endWaiver(store: WaiverStore, id: string): Promise<boolean> {
  const gone = (await store.waivers()).find((each) => each.id === id);
  if (gone === undefined) return false;
  await store.write({ endedWaivers: [id], audit: [waiverEntry('delete-waiver', gone, Date.now())] });
  return true;
}

/**
 * Moves the waivers of the file in which earlier versions kept them into the store. A crash between the two steps does no
 * harm: the store has each once.
 * @throws Fault POLICY_INVALID, and errors of the file system
 */
export async function takeOverWaivers(path: string, store: Pick<GateStore, 'write'>): Promise<void> {
  const waivers = readWaiversFile(path);
  if (waivers === undefined) return;
  await store.write({ waivers });
  await rm(path);
}
