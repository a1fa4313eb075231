import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { parseBusAddresses } from '../../bus/index.ts';
import { silentLog } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import { dataPaths } from '../instance/instance.ts';
import { openClusterNode } from './cluster-node.ts';

afterEach(() => void vi.useRealTimers());

test.each([
  { hours: 1, text: /60 minutes ahead of the cluster/ },
  { hours: -1, text: /60 minutes behind the cluster/ },
])('a node of a cluster does not start with a clock that is $hours h off', async ({ hours, text }) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-clock-'));
  const paths = dataPaths(folder.path);
  await using store = await openStore({ path: paths.database });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 });
  const node = { name: 'n1', cluster: 'ward' };
  const parts = { paths, store, request: undefined, log: silentLog };
  const bus = parseBusAddresses('nats://127.0.0.1:4222');
  const refused = openClusterNode({ ...parts, config: { bus, node } });
  await expect(refused).rejects.toMatchObject({
    code: 'NODE_CLOCK_WRONG',
    message: expect.stringMatching(text),
  });
  using alone = await openClusterNode({ ...parts, config: { bus: undefined, node } });
  expect(alone.bus).toBeUndefined();
});
