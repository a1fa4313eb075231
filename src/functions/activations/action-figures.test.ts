import { expect, test } from 'vitest';
import type { ActivationOutcome, ActivationRow } from '../../store/index.ts';
import { completion, hello, ref, startPlatform } from '../platform.fixture.ts';
import { createActionFigures } from './action-figures.ts';

const hourMs = 3_600_000;

/** Records of one action, the newest first, and what their results say. */
function recordsOf(outcomes: readonly Omit<ActivationOutcome, 'activationId'>[], resultBytes = 10) {
  const rows = outcomes.map((outcome, at) => ({ ...outcome, activationId: `a${at}`, path: 'a' }));
  const read: string[] = [];
  return {
    read,
    async *outcomes(_: string, paths: readonly string[], limit: number) {
      for (const path of paths) yield path === 'absent' ? [] : rows.slice(0, limit);
    },
    async get(_: string, id: string) {
      read.push(id);
      const row = rows.find(({ activationId }) => activationId === id);
      const response = { result: { error: `order ${id} is lost` }, size: resultBytes };
      return { ...row, document: { response } } as unknown as ActivationRow;
    },
  };
}

test('counts real calls, and has the error of the last one that failed', async () => {
  await using platform = await startPlatform();
  const { functions, guest, invoker, authorization } = platform;
  await functions.actions.put(ref('a'), hello, false, guest);
  for (const error of [undefined, 'order 17 is lost', undefined]) {
    invoker.script = () =>
      error === undefined ? completion({}) : completion({ error }, { status: 'application error' });
    const more = { payload: {}, waitMs: 5000, transactionId: 't', authorization };
    await functions.invocations.invoke({ identity: guest, action: ref('a'), ...more });
  }
  await expect.poll(async () => (await functions.groupErrors({ namespace: 'guest' })).read).toBe(1);
  const figures = async () => functions.readFigures('guest', ['a', 'other']);
  await expect.poll(async () => (await figures())[0]?.calls).toBe(3);
  const [group] = (await functions.groupErrors({ namespace: 'guest' })).groups;
  expect(await figures()).toMatchObject([
    {
      ...{ calls: 3, failed: 1, isCut: false, last: { statusCode: expect.any(Number) } },
      lastError: { error: 'order 17 is lost', fingerprint: group?.fingerprint, statusCode: 1 },
    },
    { calls: 0, failed: 0, last: null, lastError: null, p50: null, p99: null, hours: [] },
  ]);
});

test('counts the last 24 hours by the hour, and finds an older error', async () => {
  const hour = Math.floor(Date.now() / hourMs) * hourMs;
  const records = recordsOf([
    { start: hour, end: hour + 100, statusCode: 0 },
    { start: hour - 23 * hourMs, end: hour - 23 * hourMs + 20, statusCode: 0 },
    { start: hour - 23 * hourMs - 1, end: hour, statusCode: 2 },
  ]);
  expect(await createActionFigures(records)('guest', ['a'])).toMatchObject([
    {
      ...{ calls: 2, failed: 0, p50: 100, p99: 100, last: { activationId: 'a0' } },
      lastError: { activationId: 'a2', error: 'order a2 is lost' },
      hours: [
        { at: hour - 23 * hourMs, calls: 1, failed: 0, p99: 20 },
        { at: hour, calls: 1, failed: 0, p99: 100 },
      ],
    },
  ]);
});

test('reads a bounded number of calls, and of bytes of results', async () => {
  const now = Date.now();
  const many = Array.from({ length: 501 }, (_, at) => ({ start: now - at, end: now, statusCode: 1 }));
  const records = recordsOf(many, 5 * 1024 * 1024);
  const figures = await createActionFigures(records)('guest', ['a', 'b', 'c']);
  expect(figures[0]).toMatchObject({ calls: 500, isCut: true });
  expect(figures.map(({ lastError }) => lastError?.error !== undefined)).toEqual([true, true, false]);
  expect(records.read).toHaveLength(2);
});
