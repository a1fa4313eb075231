import { expect, test } from 'vitest';
import type { GateVerdict } from '../actions/code-gate.ts';
import { hello, ref, startPlatform } from '../platform.fixture.ts';

const pinned = `guest/app@sha256:${'a'.repeat(64)}`;
const own = { exec: { kind: 'blackbox', image: 'guest/app:v1' } };

test('the image of a new or changed action is brought to invokers as it was judged', async () => {
  const verdicts: GateVerdict[] = [
    { outcome: 'allow', summary: '', image: pinned },
    { outcome: 'deny', summary: 'no' },
    { outcome: 'absent', summary: 'no' },
  ];
  let asked = 0;
  const allow = async (): Promise<GateVerdict> => ({ outcome: 'allow', summary: '' });
  await using platform = await startPlatform({
    gate: {
      ...{ admitCode: allow, admitImage: allow },
      mayRun: () => verdicts[asked++] ?? { outcome: 'allow', summary: '' },
    },
  });
  const { actions } = platform.functions;
  const { prefetched } = platform.invoker;
  await actions.put(ref('hello'), hello, false, platform.guest);
  await actions.put(ref('own'), own, false, platform.guest);
  await expect.poll(() => prefetched).toEqual([pinned]);
  for (const times of [2, 3]) {
    await actions.put(ref('own'), own, true, platform.guest);
    await expect.poll(() => asked).toBe(times);
  }
  expect(prefetched).toEqual([pinned]);
});
