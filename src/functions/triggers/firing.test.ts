import { describe, expect, test, vi } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { functionFault } from '../faults.ts';
import { plain, type RuleParts, startRules } from './rules.fixture.ts';

async function recordOf({ store }: RuleParts, activationId: string) {
  const row = await store.activations.get('guest', activationId);
  const logs = (await store.activations.logs('guest', activationId)) ?? [];
  return { row, logs: logs.map((line) => JSON.parse(line)) };
}

async function fired(parts: RuleParts, more: Parameters<RuleParts['fire']>[1] = {}) {
  const answer = await parts.fire('t', more);
  if (answer === undefined) throw new Error('nothing was fired');
  return recordOf(parts, answer.activationId);
}

describe('firing', () => {
  test('calls each rule with the payload merged over the trigger’s parameters', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    const parameters = [
      { key: 'x', value: 1 },
      { key: 'y', value: 1 },
    ];
    await parts.triggers.put(plain('t'), { parameters }, true);
    await parts.fire('t', { payload: { y: 2, z: 3 }, transactionId: 'mine', authorization: 'Basic x' });
    expect(parts.calls.map(({ action }) => action.name).toSorted()).toEqual(['a', 'b']);
    for (const call of parts.calls) {
      expect(call).toMatchObject({
        payload: { x: 1, y: 2, z: 3 },
        waitMs: undefined,
        transactionId: 'mine',
        authorization: 'Basic x',
      });
    }
  });

  test.each([
    ['waits for the disk', () => new Promise(() => {})],
    ['no longer fits in memory', () => Promise.reject(new Fault('STORE_BACKLOG', 'busy', 'no'))],
  ])('answers with a warning if its own record %s', async (_, append) => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    vi.spyOn(parts.store.activations, 'append').mockImplementationOnce(append);
    vi.spyOn(parts.store.activations, 'flush').mockRejectedValueOnce(new Fault('STORE_FULL', 'full', 'no'));
    expect(await parts.fire('t')).toMatchObject({ isRecordLost: true });
    expect(await parts.fire('t')).toMatchObject({ isRecordLost: false });
    expect(parts.calls).toHaveLength(2);
  });

  test('leaves a record without an end, with the unchanged payload and a line for each rule', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    await parts.triggers.put(plain('t'), { parameters: [{ key: 'secret', value: 's' }] }, true);
    await parts.rules.setStatus(plain('on-b'), { status: 'inactive' });
    const { row, logs } = await fired(parts, { payload: { z: 3 } });
    expect(row).toMatchObject({ name: 't', path: 't', end: null, statusCode: 0 });
    expect(row?.document).toEqual({
      activationId: row?.activationId,
      namespace: 'guest',
      name: 't',
      version: '0.0.2',
      publish: false,
      subject: 'guest',
      start: row?.start,
      annotations: [],
      response: { status: 'success', success: true, result: { z: 3 } },
    });
    expect(logs).toHaveLength(2);
    expect(logs).toContainEqual({
      statusCode: 0,
      success: true,
      rule: 'guest/on-a',
      action: 'guest/a',
      activationId: parts.calls[0]?.activationId,
    });
    expect(logs).toContainEqual({
      statusCode: 1,
      success: false,
      rule: 'guest/on-b',
      action: 'guest/b',
      error: "Rule 'guest/on-b' is inactive, action 'guest/b' was not activated.",
    });
  });

  test('has its record and its calls on disk before it answers', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    parts.script = () => 'running';
    const answer = await parts.fire('t');
    const pending = await parts.store.accepted.pending(10);
    expect(pending.map(({ activationId }) => activationId).toSorted()).toEqual(
      [...parts.underWay.keys()].toSorted(),
    );
    expect(await parts.store.activations.count({ namespace: 'guest' })).toBe(1);
    expect(answer?.activationId).toMatch(/^[0-9a-f]{32}$/);
  });

  test('does nothing if no rule is active', async () => {
    await using parts = await startRules();
    await parts.triggers.put(plain('t'), {}, false);
    expect(await parts.fire('t')).toBeUndefined();
    await parts.arrange('u', ['a']);
    await parts.rules.setStatus(plain('on-a'), { status: 'inactive' });
    expect(await parts.fire('u')).toBeUndefined();
    expect(await parts.store.activations.count({ namespace: 'guest' })).toBe(0);
  });

  test.each([
    ['throttled', new Fault('TOO_MANY_CONCURRENT', 'throttled', 'Too many.'), 1, 'Too many.'],
    ['missing', functionFault('NOT_FOUND', 'It is gone.'), 1, 'It is gone.'],
    ['without room', new Fault('INVOKER_BUSY', 'overloaded', 'No room.'), 3, 'No room.'],
    ['refused by a stop', new Fault('SHUTTING_DOWN', 'busy', 'It stops.'), 3, 'It stops.'],
    ['broken', new Error('EIO /var/lib/ward'), 3, 'There was an internal server error.'],
    [
      'refused for want of the database',
      new Fault('STORE_UNREACHABLE', 'busy', 'db.internal is away'),
      3,
      'The server does not reach its database, or is refused there. Try again later, or ask its operator.',
    ],
  ])('says only in the record that an action was %s', async (_what, fault, statusCode, error) => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    parts.script = ({ action }) => {
      if (action.name === 'a') throw fault;
      return 'success';
    };
    const { logs } = await fired(parts);
    expect(logs).toContainEqual({ statusCode, success: false, rule: 'guest/on-a', action: 'guest/a', error });
    expect(logs).toContainEqual(expect.objectContaining({ rule: 'guest/on-b', success: true }));
  });

  test('leaves no record if the namespace keeps none', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    parts.script = () => 'running';
    const { guest } = parts;
    const identity = { ...guest, limits: { ...guest.limits, storeActivations: false } };
    expect(await parts.fire('t', { identity })).toBeDefined();
    expect(parts.calls).toHaveLength(1);
    expect(await parts.store.activations.count({ namespace: 'guest' })).toBe(0);
  });

  test.each([
    ['none', 'NOT_FOUND'],
    ['on-a', 'WRONG_COLLECTION'],
  ])('refuses %s: %s', async (name, code) => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    await expect(parts.fire(name)).rejects.toMatchObject({ code });
  });

  test('treats a key such as __proto__ as an ordinary one', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    await parts.fire('t', { payload: JSON.parse('{"__proto__":{"polluted":true}}') });
    const [call] = parts.calls;
    expect(Object.keys(call?.payload ?? {})).toEqual(['__proto__']);
    expect(call?.payload).not.toHaveProperty('polluted');
  });

  test('uses the current rules and trigger', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    await parts.fire('t');
    await parts.arrange('u', ['b']);
    await parts.rules.put(plain('on-b'), { trigger: '/_/t' }, true);
    await parts.triggers.put(plain('t'), { parameters: [{ key: 'x', value: 2 }] }, true);
    parts.calls.length = 0;
    await parts.fire('t');
    expect(parts.calls.map(({ action, payload }) => [action.name, payload])).toEqual(
      expect.arrayContaining([
        ['a', { x: 2 }],
        ['b', { x: 2 }],
      ]),
    );
    await parts.triggers.delete(plain('t'));
    await expect(parts.fire('t')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('sees changes of another process after its cache is cleared', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    await parts.fire('t');
    const other = parts.reopen();
    await other.rules.setStatus(plain('on-a'), { status: 'inactive' });
    expect(await parts.fire('t')).toBeDefined();
    parts.firing.forget();
    expect(await parts.fire('t')).toBeUndefined();
  });
});
