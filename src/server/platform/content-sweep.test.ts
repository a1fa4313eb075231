import { expect, it } from 'vitest';
import { createContentSweep } from './content-sweep.ts';

async function swept(isShared: boolean, isMine: boolean, fail = false): Promise<readonly string[]> {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const sweep = createContentSweep({
    isShared,
    isTurn: async () => isMine,
    enforceQuotas: note('quotas'),
    async sweepPushed() {
      if (fail) throw new Error('away');
      done.push('pushed');
    },
    sweepAdvisories: note('advisories'),
    sweepCode: async () => done.push('code'),
  });
  await sweep().catch((error: Error) => done.push(error.message));
  return done;
}

it.each([
  ['its own folder, in its turn', false, true, ['quotas', 'pushed', 'advisories', 'code']],
  ['its own folder, when it is another one’s turn', false, false, ['pushed', 'advisories', 'code']],
  ['a shared store, in its turn', true, true, ['quotas', 'pushed', 'advisories', 'code']],
  ['no shared store when it is another one’s turn', true, false, []],
])('a server sweeps %s', async (_title, isShared, isMine, expected) => {
  expect(await swept(isShared, isMine)).toEqual(expected);
});

it('trouble with pushed content does not keep code, and is reported', async () => {
  expect(await swept(true, true, true)).toEqual(['quotas', 'advisories', 'code', 'away']);
});
