import { describe, expect, test } from 'vitest';
import { plain, type RuleParts, startRules } from './rules.fixture.ts';

async function startWithRule(): Promise<RuleParts> {
  const parts = await startRules();
  await parts.arrange('t', ['a']);
  return parts;
}

const status = async (parts: RuleParts) => (await parts.rules.get(plain('on-a'))).status;

describe('creating a rule', () => {
  test('makes it active, and shows what it links', async () => {
    await using parts = await startRules();
    await parts.triggers.put(plain('t'), {}, false);
    parts.actions.add('guest/p/a');
    const body = { trigger: '/guest/t', action: 'guest/p/a', status: '', name: 'ignored' };
    const rule = await parts.rules.put(plain('r'), body, false);
    expect(rule).toMatchObject({
      namespace: 'guest',
      name: 'r',
      version: '0.0.1',
      status: 'active',
      trigger: { path: 'guest', name: 't' },
      action: { path: 'guest/p', name: 'a' },
    });
    expect(await parts.rules.get(plain('r'))).toEqual(rule);
    await expect(parts.rules.put(plain('r'), body, false)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('accepts names in the form of answers', async () => {
    await using parts = await startWithRule();
    const { trigger, action } = await parts.rules.get(plain('on-a'));
    expect(await parts.rules.put(plain('r'), { trigger, action }, false)).toMatchObject({ trigger, action });
  });

  test.each([
    ['no such trigger', { trigger: '/_/none', action: '/_/a' }, 'trigger /guest/none does not exist'],
    ['no such action', { trigger: '/_/t', action: '/_/none' }, 'action /guest/none does not exist'],
    ['no such package', { trigger: '/_/t', action: '/_/p/a' }, 'action /guest/p/a does not exist'],
    ['a trigger in a package', { trigger: '/_/p/t', action: '/_/a' }, 'trigger /guest/p/t does not exist'],
    ['a rule as its trigger', { trigger: '/_/on-a', action: '/_/a' }, 'trigger /guest/on-a does not exist'],
    ['no trigger', { action: '/_/a' }, 'rule requires a valid trigger and a valid action'],
    ['neither', {}, 'rule requires a valid trigger and a valid action'],
  ])('is refused with %s', async (_what, body, message) => {
    await using parts = await startWithRule();
    await expect(parts.rules.put(plain('r'), body, false)).rejects.toMatchObject({
      code: 'RULE_INVALID',
      message,
    });
  });

  test.each([
    [
      'a name without a namespace',
      { trigger: 't', action: '/_/a' },
      'BODY_INVALID',
      'at least the namespace',
    ],
    ['a number as a name', { trigger: 7, action: '/_/a' }, 'BODY_INVALID', 'fully qualified name malformed'],
    ['another alphabet', { trigger: '/_/t', action: '/_/действие' }, 'NAME_INVALID', 'illegal characters'],
    ['a path upwards', { trigger: '/_/..', action: '/_/a' }, 'NAME_INVALID', 'illegal characters'],
    [
      'a trigger of another namespace',
      { trigger: '/other/t', action: '/_/a' },
      'NOT_AUTHORIZED',
      "access 'other/t'",
    ],
    [
      'an action of another namespace',
      { trigger: '/_/t', action: '/other/a' },
      'NOT_AUTHORIZED',
      'not yours',
    ],
  ])('is refused with %s', async (_what, body, code, message) => {
    await using parts = await startWithRule();
    await expect(parts.rules.put(plain('r'), body, false)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    [true, 'must be an object'],
    [{ attempts: 0, backoffMs: 100 }, "'attempts'"],
    [{ attempts: 11, backoffMs: 100 }, 'from 1 to 10'],
    [{ attempts: 2.5, backoffMs: 100 }, 'whole number'],
    [{ attempts: 2 }, "'backoffMs'"],
    [{ attempts: 2, backoffMs: 99 }, 'from 100 to 86400000'],
    [{ attempts: 2, backoffMs: 500, maxBackoffMs: 499 }, "'maxBackoffMs'"],
    [{ attempts: '2', backoffMs: 100 }, "'attempts'"],
  ])('is refused with the annotation retry: %j', async (value, message) => {
    await using parts = await startWithRule();
    const body = { trigger: '/_/t', action: '/_/a', annotations: [{ key: 'retry', value }] };
    await expect(parts.rules.put(plain('r'), body, false)).rejects.toMatchObject({
      code: 'BODY_INVALID',
      message: expect.stringContaining(message),
    });
  });
});

describe('changing a rule', () => {
  test('keeps fields that are not sent, and whether it is active', async () => {
    await using parts = await startWithRule();
    parts.actions.add('guest/b');
    await parts.rules.setStatus(plain('on-a'), { status: 'inactive' });
    const changed = await parts.rules.put(plain('on-a'), { action: '/_/b', publish: true }, true);
    expect(changed).toMatchObject({
      version: '0.0.2',
      publish: true,
      status: 'inactive',
      trigger: { name: 't' },
      action: { name: 'b' },
    });
    await parts.rules.setStatus(plain('on-a'), { status: 'active' });
    expect((await parts.rules.put(plain('on-a'), {}, true)).status).toBe('active');
  });

  test('moves its link to another trigger', async () => {
    await using parts = await startWithRule();
    await parts.triggers.put(plain('u'), {}, false);
    expect(await parts.fire('t')).toBeDefined();
    expect((await parts.rules.put(plain('on-a'), { trigger: '/_/u' }, true)).status).toBe('active');
    expect((await parts.triggers.get(plain('t'))).rules).toEqual({});
    expect(Object.keys((await parts.triggers.get(plain('u'))).rules)).toEqual(['guest/on-a']);
    expect(await parts.fire('t')).toBeUndefined();
    expect(await parts.fire('u')).toBeDefined();
  });

  test('is refused while its trigger is missing', async () => {
    await using parts = await startWithRule();
    await parts.triggers.delete(plain('t'));
    await expect(parts.rules.put(plain('on-a'), { publish: true }, true)).rejects.toMatchObject({
      message: 'trigger /guest/t does not exist',
    });
  });

  test('creates it if there is none', async () => {
    await using parts = await startWithRule();
    const body = { trigger: '/_/t', action: '/_/a' };
    expect(await parts.rules.put(plain('r'), body, true)).toMatchObject({
      version: '0.0.1',
      status: 'active',
    });
  });
});

describe('enabling and disabling', () => {
  test('changes only the status, and may be repeated', async () => {
    await using parts = await startWithRule();
    const before = await parts.rules.get(plain('on-a'));
    for (const wanted of ['active', 'inactive', 'inactive', 'active'] as const) {
      expect(await parts.rules.setStatus(plain('on-a'), { status: wanted, trigger: null })).toEqual({
        ...before,
        status: wanted,
        revision: expect.any(String),
      });
      expect(await status(parts)).toBe(wanted);
    }
  });

  test.each([undefined, {}, { status: 'on' }, { status: 1 }, []])('refuses the body %j', async (body) => {
    await using parts = await startWithRule();
    await expect(parts.rules.setStatus(plain('on-a'), body)).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  test('a deleted trigger leaves its rules inactive, and they can be disabled but not enabled', async () => {
    await using parts = await startWithRule();
    await parts.triggers.delete(plain('t'));
    expect(await status(parts)).toBe('inactive');
    expect(await parts.rules.setStatus(plain('on-a'), { status: 'inactive' })).toMatchObject({
      status: 'inactive',
    });
    await expect(parts.rules.setStatus(plain('on-a'), { status: 'active' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Only rules with existing triggers can be activated',
    });
  });

  test('a trigger that is created again does not enable the rules of the old one', async () => {
    await using parts = await startWithRule();
    await parts.triggers.delete(plain('t'));
    await parts.triggers.put(plain('t'), {}, false);
    expect(await status(parts)).toBe('inactive');
    expect((await parts.triggers.get(plain('t'))).rules).toEqual({});
    expect(await parts.fire('t')).toBeUndefined();
    await parts.rules.setStatus(plain('on-a'), { status: 'active' });
    expect(await status(parts)).toBe('active');
    expect(await parts.fire('t')).toBeDefined();
  });
});

describe('deleting and listing rules', () => {
  test('an active rule is deleted, shown as inactive in the answer, and no longer fired', async () => {
    await using parts = await startWithRule();
    await parts.fire('t');
    expect(await parts.rules.delete(plain('on-a'))).toMatchObject({ name: 'on-a', status: 'inactive' });
    expect(await parts.fire('t')).toBeUndefined();
    await expect(parts.rules.get(plain('on-a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(parts.rules.delete(plain('t'))).rejects.toMatchObject({ code: 'WRONG_COLLECTION' });
  });

  test('a rule without its trigger can be deleted as well', async () => {
    await using parts = await startWithRule();
    await parts.triggers.delete(plain('t'));
    expect(await parts.rules.delete(plain('on-a'))).toMatchObject({ name: 'on-a' });
  });

  test('a list shows no status, and is newest first', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    const { namespace } = parts.guest;
    const list = await parts.rules.list(namespace, { skip: 0, limit: 30 });
    expect(list.map(({ name }) => name)).toEqual(['on-b', 'on-a']);
    expect(list[0]).not.toHaveProperty('status');
    expect(await parts.rules.count(namespace)).toBe(2);
  });
});
