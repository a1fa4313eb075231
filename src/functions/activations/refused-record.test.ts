/** Records that the database refuses for another reason than a disk without space, and logs that can't be read. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import {
  completion,
  hello,
  type Platform,
  type PlatformOptions,
  ref,
  startPlatform,
} from '../platform.fixture.ts';

const refused = () => new Fault('STORE_FAILED', 'host', 'value out of range');

async function start(
  annotations: readonly { key: string; value: boolean }[] = [],
  more: PlatformOptions = {},
) {
  const lost = vi.fn();
  const watchRecords = { evicted() {}, refused() {}, lost };
  const platform = await startPlatform({ isAlone: false, watchRecords, ...more });
  await platform.functions.actions.put(
    ref('hello'),
    { ...hello, annotations: [...annotations] },
    false,
    platform.guest,
  );
  platform.invoker.script = () => completion({ n: 1 }, { log: Promise.resolve(['a line']) });
  return { platform, lost };
}

async function invoke(platform: Platform, waitMs?: number, more: { storeActivations?: boolean } = {}) {
  const { functions, guest, authorization } = platform;
  const { activationId } = await functions.invocations.invoke({
    identity: { ...guest, limits: { ...guest.limits, ...more } },
    ...{ action: ref('hello'), payload: {}, waitMs, transactionId: 't1', authorization },
  });
  return activationId;
}

const record = ({ functions }: Platform, id: string) => functions.activations.get('guest', id);
const records = ({ functions }: Platform) => functions.activations.count({ namespace: 'guest' });
const queued = ({ store }: Platform) => store.accepted.pending(10);

test('an accepted call whose record is refused for its content leaves a short one', async () => {
  const { platform, lost } = await start();
  await using _ = platform;
  vi.spyOn(platform.store.activations, 'append').mockRejectedValueOnce(refused());
  const id = await invoke(platform);
  await expect.poll(() => queued(platform)).toEqual([]);
  const error =
    'The activation ended (success), but its result and its log were lost: the database refused them.';
  expect(await record(platform, id)).toMatchObject({
    annotations: expect.arrayContaining([{ key: 'partialLog', value: 'lost' }]),
    ...{ logs: [], response: { status: 'whisk internal error', result: { error } } },
  });
  expect([platform.invoker.jobs.length, lost.mock.calls]).toEqual([1, []]);
});

test('so does one whose record can’t even be handed over', async () => {
  const { platform } = await start();
  await using _ = platform;
  vi.spyOn(platform.store.activations, 'append').mockImplementationOnce(() => {
    throw new RangeError('Invalid string length');
  });
  const id = await invoke(platform);
  await expect.poll(() => queued(platform)).toEqual([]);
  expect(await record(platform, id)).toMatchObject({ response: { success: false } });
});

test.each([
  [
    'is not run again',
    [],
    1,
    {
      success: false,
      result: {
        error:
          'The activation was interrupted: the server that had it gave it up without a record of its end.',
      },
    },
  ],
  ['runs again if its action says so', [{ key: 'retry-on-restart', value: true }], 2, { success: true }],
])(
  'one of which no record is taken goes back to the queue, and %s',
  async (_name, annotations, runs, end) => {
    const { platform, lost } = await start(annotations);
    await using _ = platform;
    const append = vi.spyOn(platform.store.activations, 'append');
    append.mockRejectedValueOnce(refused()).mockRejectedValueOnce(refused());
    const id = await invoke(platform);
    await expect.poll(() => queued(platform)).toMatchObject([{ activationId: id, attempt: 1 }]);
    // At the next renewal of the lease.
    await expect.poll(() => queued(platform), { timeout: 10_000 }).toMatchObject([{ owner: '' }]);
    await platform.functions.invocations.resumeAccepted();
    await expect.poll(() => queued(platform)).toEqual([]);
    expect(await record(platform, id)).toMatchObject({ response: end });
    expect([platform.invoker.jobs.length, await records(platform), lost.mock.calls]).toEqual([runs, 1, []]);
  },
  20_000,
);

test('one that has a record already leaves the queue without a second one', async () => {
  const { platform } = await start();
  await using _ = platform;
  platform.invoker.script = async ({ activationId }) => {
    await platform.store.activations.append({
      row: {
        ...{
          activationId,
          namespace: 'guest',
          name: 'hello',
          path: 'hello',
          start: 1,
          end: 2,
          statusCode: 0,
        },
        ...{ documentJson: '{}', responseJson: null, usage: null },
      },
      ...{ logs: [], settles: null },
    });
    return completion({});
  };
  await invoke(platform);
  await expect.poll(() => platform.invoker.inFlight).toBe(0);
  await expect.poll(() => queued(platform)).toEqual([]);
  expect(await records(platform)).toBe(1);
});

test('one of a namespace without records leaves the queue even if it can’t be counted', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-refused-record-'));
  const store = await openStore({ path: join(folder.path, 'ward.db') });
  const count = vi.spyOn(store.activations, 'addUnrecorded').mockRejectedValueOnce(refused());
  const { platform } = await start([], { openStore: async () => store });
  await using _ = platform;
  await invoke(platform, undefined, { storeActivations: false });
  await expect.poll(() => count.mock.calls.length).toBe(1);
  await expect.poll(() => queued(platform)).toEqual([]);
  expect(await records(platform)).toBe(0);
});

test.each([
  ['an accepted', undefined],
  ['a blocking', 5000],
])('a log that can’t be read does not cost the record of %s call', async (_name, waitMs) => {
  const { platform, lost } = await start();
  await using _ = platform;
  platform.invoker.script = () => {
    const log = Promise.reject(new Error('no log'));
    log.catch(() => {});
    return completion({ n: 1 }, { log });
  };
  const id = await invoke(platform, waitMs);
  await expect.poll(() => records(platform)).toBe(1);
  await expect.poll(() => queued(platform)).toEqual([]);
  expect(await record(platform, id)).toMatchObject({
    annotations: expect.arrayContaining([{ key: 'partialLog', value: 'lost' }]),
    ...{ logs: [], response: { success: true, result: { n: 1 } } },
  });
  expect(lost).not.toHaveBeenCalled();
});
