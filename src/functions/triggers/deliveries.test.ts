import { describe, expect, test, vi } from 'vitest';
import { Fault, isFault } from '../../lib/index.ts';
import { functionFault } from '../faults.ts';
import { plain, type RuleParts, startRules } from './rules.fixture.ts';

const retry = (attempts: number) => [
  { key: 'retry', value: { attempts, backoffMs: 100, maxBackoffMs: 100 } },
];
const page = { skip: 0, limit: 30 };

async function startRetrying(attempts: number): Promise<RuleParts> {
  const parts = await startRules();
  await parts.arrange('t', ['a'], retry(attempts));
  parts.deliveries.start(Promise.resolve());
  return parts;
}

const letters = (parts: RuleParts) =>
  parts.deliveries.dead({ namespace: parts.guest.namespace, rule: undefined }, page);
const until = (holds: () => unknown) => vi.waitFor(async () => expect(await holds()).toBeTruthy(), 60_000);
const isEmpty = async ({ store }: RuleParts) => (await store.deliveries.nextDue()) === undefined;
const callerOf = ({ guest }: RuleParts) => ({
  identity: guest,
  transactionId: 'again',
  authorization: undefined,
});

describe('a rule with retry', () => {
  test('is called once if that succeeds, and nothing is left', async () => {
    await using parts = await startRetrying(3);
    const answer = await parts.fire('t', { payload: { x: 1 } });
    await until(() => isEmpty(parts));
    expect(parts.calls).toHaveLength(1);
    expect(await letters(parts)).toEqual([]);
    const logs = await parts.store.activations.logs('guest', answer?.activationId ?? '');
    expect(JSON.parse(logs?.[0] ?? '')).toMatchObject({
      success: true,
      activationId: parts.calls[0]?.activationId,
    });
  });

  test('is called again with the same arguments and key until it succeeds', async () => {
    await using parts = await startRetrying(5);
    parts.script = () => (parts.calls.length < 3 ? 'failure' : 'success');
    await parts.fire('t', { payload: { x: 1 }, authorization: 'Basic key' });
    await until(() => isEmpty(parts));
    expect(parts.calls).toHaveLength(3);
    expect(new Set(parts.calls.map(({ activationId }) => activationId)).size).toBe(3);
    for (const call of parts.calls) {
      expect(call).toMatchObject({ payload: { x: 1 }, authorization: 'Basic key', transactionId: 'tid' });
    }
    expect(await letters(parts)).toEqual([]);
  });

  test('becomes a dead letter after its last try', async () => {
    await using parts = await startRetrying(2);
    parts.script = () => 'failure';
    await parts.fire('t');
    await until(async () => (await letters(parts)).length === 1);
    expect(parts.calls).toHaveLength(2);
    const [letter] = await letters(parts);
    expect(letter).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      rule: 'on-a',
      trigger: 't',
      action: '/guest/a',
      attempts: 2,
      error: 'it broke',
      activationId: parts.calls[1]?.activationId,
      createdAt: expect.any(Number),
      failedAt: expect.any(Number),
    });
    expect(await isEmpty(parts)).toBe(true);
  });

  test('is retried if its first call is refused, which the record shows', async () => {
    await using parts = await startRetrying(2);
    parts.script = () => {
      if (parts.calls.length === 1) throw new Fault('TOO_MANY_CONCURRENT', 'throttled', 'Too many.');
      return 'success';
    };
    const answer = await parts.fire('t');
    const logs = await parts.store.activations.logs('guest', answer?.activationId ?? '');
    expect(JSON.parse(logs?.[0] ?? '')).toMatchObject({ success: false, statusCode: 1, error: 'Too many.' });
    await until(() => isEmpty(parts));
    expect(parts.calls).toHaveLength(2);
  });

  test('waits as long as a refusal demands', async () => {
    await using parts = await startRetrying(2);
    parts.script = () => {
      throw new Fault('TOO_MANY_PER_MINUTE', 'throttled', 'Too many.', { retryAfterMs: 50_000 });
    };
    const before = Date.now();
    await parts.fire('t');
    expect(await parts.store.deliveries.nextDue()).toBeGreaterThanOrEqual(before + 50_000);
  });

  test('is given up with the reason if its action no longer exists', async () => {
    await using parts = await startRetrying(1);
    parts.script = () => {
      throw functionFault('NOT_FOUND', 'The requested resource does not exist.');
    };
    await parts.fire('t');
    expect(await letters(parts)).toMatchObject([
      { attempts: 1, error: 'The requested resource does not exist.' },
    ]);
  });

  test('reveals no internal details', async () => {
    await using parts = await startRetrying(1);
    parts.script = () => {
      throw new Error('EIO /var/lib/ward');
    };
    await parts.fire('t');
    expect(await letters(parts)).toMatchObject([{ error: 'There was an internal server error.' }]);
  });

  test('has a record of each try even if the namespace keeps none', async () => {
    await using parts = await startRetrying(1);
    const { guest } = parts;
    const identity = { ...guest, limits: { ...guest.limits, storeActivations: false } };
    await parts.fire('t', { identity });
    expect(parts.calls[0]?.identity.limits.storeActivations).toBe(true);
    await until(() => isEmpty(parts));
  });

  test('stores its payload encrypted', async () => {
    await using parts = await startRetrying(1);
    parts.script = () => 'failure';
    await parts.fire('t', { payload: { password: 'opensesame' } });
    await until(async () => (await letters(parts)).length === 1);
    const [row] = await parts.store.deliveries.dead({ namespace: 'guest', ...page });
    expect(JSON.stringify(row)).not.toMatch(/opensesame|password/);
  });

  test('is called once, without retries, if too many deliveries of the namespace wait', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a'], retry(3));
    parts.script = () => 'running';
    await Promise.all(Array.from({ length: 1001 }, () => parts.fire('t')));
    expect(parts.calls).toHaveLength(1001);
    expect(await parts.store.deliveries.due(Number.MAX_SAFE_INTEGER, 2000)).toHaveLength(1000);
  });
});

describe('after the process was killed', () => {
  /** The first process: its clock never ran, and it does not see how its calls end. */
  async function startKilled(attempts: number): Promise<RuleParts> {
    const parts = await startRules();
    await parts.arrange('t', ['a'], retry(attempts));
    parts.script = () => 'running';
    await parts.fire('t', { payload: { x: 1 } });
    await parts.deliveries.close();
    return parts;
  }

  test('a call that has succeeded in the meantime is settled', async () => {
    await using parts = await startKilled(3);
    await parts.finish(parts.calls[0]?.activationId ?? '', 'success');
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(() => isEmpty(next));
    expect(next.calls).toEqual([]);
    expect(await letters(next)).toEqual([]);
  });

  test('a call that has failed in the meantime is made again', async () => {
    await using parts = await startKilled(3);
    await parts.finish(parts.calls[0]?.activationId ?? '', 'failure');
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(() => isEmpty(next));
    expect(next.calls).toMatchObject([{ payload: { x: 1 }, authorization: undefined }]);
  });

  test('a call is made again with no more rights than the key that fired it', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a'], retry(3));
    parts.script = () => 'running';
    await parts.fire('t', { identity: { ...parts.guest, scope: 'invoke' }, authorization: 'Basic key' });
    await parts.deliveries.close();
    await parts.finish(parts.calls[0]?.activationId ?? '', 'failure');
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(() => isEmpty(next));
    expect(next.calls).toMatchObject([{ authorization: undefined, identity: { scope: 'invoke' } }]);
  });

  test('a call that was never accepted is made again', async () => {
    await using parts = await startKilled(3);
    await parts.store.accepted.settle(parts.calls[0]?.activationId ?? '', 0);
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(() => isEmpty(next));
    expect(next.calls).toHaveLength(1);
  });

  test('a call that is still in the queue is awaited', async () => {
    await using parts = await startKilled(1);
    const [row] = await parts.store.deliveries.due(Number.MAX_SAFE_INTEGER, 1);
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(async () => ((await next.store.deliveries.nextDue()) ?? 0) > (row?.dueAt ?? 0));
    expect(next.calls).toEqual([]);
    expect(await letters(next)).toEqual([]);
  });

  test('an unreadable delivery is dropped, and the others go on', async () => {
    await using parts = await startKilled(3);
    await parts.finish(parts.calls[0]?.activationId ?? '', 'failure');
    const [row] = await parts.store.deliveries.due(Number.MAX_SAFE_INTEGER, 1);
    if (row === undefined) throw new Error('no row');
    await parts.store.deliveries.add({ ...row, id: 'broken', dueAt: 0, document: { any: 1 } });
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(() => isEmpty(next));
    expect(next.calls).toHaveLength(1);
  });

  test('a delivery whose payload was tampered with is given up, and not called', async () => {
    await using parts = await startKilled(2);
    await parts.finish(parts.calls[0]?.activationId ?? '', 'failure');
    const [row] = await parts.store.deliveries.due(Number.MAX_SAFE_INTEGER, 1);
    if (row === undefined) throw new Error('no row');
    const payload = parts.vault.seal({ x: 2 }, 'guest/on-a another');
    await parts.store.deliveries.update({ ...row, document: { ...row.document, payload } }, row);
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await until(async () => (await letters(next)).length === 1);
    expect(next.calls).toEqual([]);
  });
});

describe('dead letters', () => {
  async function startDead(): Promise<RuleParts> {
    const parts = await startRetrying(1);
    parts.script = () => 'failure';
    await parts.fire('t', { payload: { x: 1 } });
    await until(async () => (await letters(parts)).length === 1);
    return parts;
  }
  const idOf = async (parts: RuleParts) => (await letters(parts))[0]?.id ?? '';

  test('are replayed with their payload, and removed if that succeeds', async () => {
    await using parts = await startDead();
    parts.script = () => 'success';
    const id = await idOf(parts);
    const { activationId } = await parts.deliveries.replay(id, callerOf(parts));
    const entries = (await parts.store.unsealed.read(100)).map(({ entry }) => entry);
    expect(entries).toContainEqual(
      expect.objectContaining({ event: 'replay-dead-letter', name: `/guest/${id}`, namespace: 'guest' }),
    );
    expect(parts.calls[1]).toMatchObject({ activationId, payload: { x: 1 }, transactionId: 'again' });
    await until(() => isEmpty(parts));
    expect(await letters(parts)).toEqual([]);
  });

  test('come back if the replay fails', async () => {
    await using parts = await startDead();
    const id = await idOf(parts);
    const { activationId } = await parts.deliveries.replay(id, callerOf(parts));
    await until(async () => (await letters(parts)).length === 1);
    expect(await letters(parts)).toMatchObject([{ id, attempts: 1, activationId }]);
  });

  test('stay unchanged if the action cannot be called', async () => {
    await using parts = await startDead();
    const before = await letters(parts);
    parts.script = () => {
      throw new Fault('TOO_MANY_CONCURRENT', 'throttled', 'Too many.');
    };
    await expect(parts.deliveries.replay(before[0]?.id ?? '', callerOf(parts))).rejects.toMatchObject({
      code: 'TOO_MANY_CONCURRENT',
    });
    expect(await letters(parts)).toEqual(before);
  });

  test('are replayed once for two concurrent requests', async () => {
    await using parts = await startDead();
    parts.script = () => 'running';
    const id = await idOf(parts);
    const both = await Promise.allSettled([1, 2].map(() => parts.deliveries.replay(id, callerOf(parts))));
    const refused = both.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused.map((error) => isFault(error, 'NOT_FOUND'))).toEqual([true]);
    expect(parts.calls).toHaveLength(2);
  });

  test('are replayed once by two servers', async () => {
    await using parts = await startDead();
    const servers = [parts, parts.reopen()];
    for (const server of servers) server.script = () => 'running';
    const id = await idOf(parts);
    const replays = servers.map(({ deliveries }) => deliveries.replay(id, callerOf(parts)));
    const refused = (await Promise.allSettled(replays)).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'CONCURRENT_UPDATE' } }]);
  });

  test('can be replayed after their rule, trigger and process have gone', async () => {
    await using parts = await startDead();
    await parts.rules.delete(plain('on-a'));
    await parts.triggers.delete(plain('t'));
    await parts.deliveries.close();
    const next = parts.reopen();
    next.deliveries.start(Promise.resolve());
    await next.deliveries.replay(await idOf(next), callerOf(next));
    await until(() => isEmpty(next));
    expect(next.calls).toMatchObject([{ payload: { x: 1 } }]);
  });

  test('are deleted, and not found in another namespace', async () => {
    await using parts = await startDead();
    const id = await idOf(parts);
    const { namespace } = plain('x', 'other');
    const missing = { code: 'NOT_FOUND' };
    await expect(parts.deliveries.delete(namespace, id)).rejects.toMatchObject(missing);
    await parts.deliveries.delete(parts.guest.namespace, id);
    expect(await letters(parts)).toEqual([]);
    await expect(parts.deliveries.delete(parts.guest.namespace, id)).rejects.toMatchObject(missing);
    await expect(parts.deliveries.replay(id, callerOf(parts))).rejects.toMatchObject(missing);
  });

  test('are listed and counted by rule', async () => {
    await using parts = await startDead();
    const { namespace } = parts.guest;
    for (const [rule, count] of [
      ['on-a', 1],
      ['on-b', 0],
    ] as const) {
      const filter = { namespace, rule: plain(rule).name };
      expect(await parts.deliveries.dead(filter, page)).toHaveLength(count);
      expect(await parts.deliveries.countDead(filter)).toBe(count);
    }
    expect(await parts.deliveries.countDead({ namespace, rule: undefined })).toBe(1);
  });

  test('beyond a thousand, the oldest are dropped', async () => {
    await using parts = await startDead();
    const [letter] = await letters(parts);
    const row = await parts.store.deliveries.get('guest', letter?.id ?? '');
    if (row === undefined) throw new Error('no row');
    await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        parts.store.deliveries.add({ ...row, id: `old${index}`, dueAt: index }),
      ),
    );
    await parts.fire('t');
    await until(async () => (await parts.store.deliveries.countDead('guest')) === 1000);
    expect(await parts.store.deliveries.get('guest', 'old1')).toBeUndefined();
    expect(await parts.store.deliveries.get('guest', 'old2')).toBeDefined();
  });
});
