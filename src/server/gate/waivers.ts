/** Makes and ends waivers of a running Ward: writes the audit log first, then their file, and judges again. */
import type { OperatorWaivers } from '../../api/index.ts';
import { writeFileAtomically } from '../../blobs/index.ts';
import {
  type Gate,
  type GateStore,
  newWaiver,
  type Waiver,
  waiverEntry,
  waiversText,
} from '../../gate/index.ts';
import { type Log, Turns } from '../../lib/index.ts';
import { type PolicySource, readWaivers, takeUp } from './policy-source.ts';

export interface WaiversOptions {
  readonly path: string;
  readonly policy: Pick<PolicySource, 'refresh'>;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly store: Pick<GateStore, 'write'>;
  readonly log: Log;
}

export function createWaivers({ path, policy, gate, store, log }: WaiversOptions): OperatorWaivers {
  const turns = new Turns(1);
  const write = async (waivers: readonly Waiver[], entry: ReturnType<typeof waiverEntry>): Promise<void> => {
    await store.write({ audit: [entry] });
    await writeFileAtomically(path, waiversText(waivers), { mode: 0o600 });
    await takeUp(policy, gate, log);
  };
  return {
    list: async () => readWaivers(path),
    add: (asked) =>
      turns.take(async () => {
        const now = Date.now();
        const made = newWaiver(asked, now);
        await write([...readWaivers(path), made], waiverEntry('create-waiver', made, now));
        return made;
      }),
    remove: (id) =>
      turns.take(async () => {
        const all = readWaivers(path);
        const gone = all.find((each) => each.id === id);
        if (gone === undefined) return false;
        await write(
          all.filter((each) => each !== gone),
          waiverEntry('delete-waiver', gone, Date.now()),
        );
        return true;
      }),
  };
}
