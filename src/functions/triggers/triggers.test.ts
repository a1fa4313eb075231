import { describe, expect, test } from 'vitest';
import { plain, startRules } from './rules.fixture.ts';

const page = { skip: 0, limit: 30 };

describe('triggers', () => {
  test('can be created, only once, and changed and deleted', async () => {
    await using parts = await startRules();
    const { triggers } = parts;
    const parameters = [{ key: 'a', value: { b: 1 } }];
    const created = await triggers.put(
      plain('t'),
      { parameters, annotations: [{ key: 'x', value: 1 }] },
      false,
    );
    expect(created).toMatchObject({
      namespace: 'guest',
      name: 't',
      version: '0.0.1',
      publish: false,
      parameters,
      limits: {},
      rules: {},
    });
    await expect(triggers.put(plain('t'), {}, false)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const changed = await triggers.put(
      plain('t'),
      { annotations: [{ key: 'y', value: 2 }], publish: true },
      true,
    );
    expect(changed).toMatchObject({ version: '0.0.2', publish: true, parameters });
    expect(changed.annotations).toEqual([{ key: 'y', value: 2 }]);
    expect(await triggers.get(plain('t'))).toEqual(changed);
    expect(await triggers.delete(plain('t'))).toEqual(changed);
    await expect(triggers.get(plain('t'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(triggers.delete(plain('t'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('store their parameters encrypted', async () => {
    await using parts = await startRules();
    await parts.triggers.put(plain('t'), { parameters: [{ key: 'password', value: 'opensesame' }] }, false);
    const row = await parts.store.entities.get('guest', 't');
    expect(JSON.stringify(row)).toContain('password');
    expect(JSON.stringify(row)).not.toContain('opensesame');
  });

  test('are listed newest first, without parameters and rules', async () => {
    await using parts = await startRules();
    for (const name of ['a', 'b', 'c']) await parts.triggers.put(plain(name), {}, false);
    await parts.triggers.put(plain('a'), {}, true);
    const { namespace } = parts.guest;
    const list = await parts.triggers.list(namespace, page);
    expect(list.map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    expect(Object.keys(list[0] ?? {}).sort()).toEqual(
      ['annotations', 'name', 'namespace', 'publish', 'updated', 'version'].sort(),
    );
    expect(await parts.triggers.count(namespace)).toBe(3);
    expect(await parts.triggers.list(plain('x', 'other').namespace, page)).toEqual([]);
  });

  test('show the rules that are linked to them', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a', 'b']);
    await parts.rules.setStatus(plain('on-b'), { status: 'inactive' });
    const { rules } = await parts.triggers.get(plain('t'));
    expect(rules).toEqual({
      'guest/on-a': { action: { path: 'guest', name: 'a' }, status: 'active' },
      'guest/on-b': { action: { path: 'guest', name: 'b' }, status: 'inactive' },
    });
    const changed = await parts.triggers.put(plain('t'), {}, true);
    expect(changed.rules).toEqual(rules);
  });

  test('show more rules than a page has', async () => {
    await using parts = await startRules();
    const names = Array.from({ length: 101 }, (_, index) => `a${index}`);
    await parts.arrange('t', names);
    const { rules } = await parts.triggers.get(plain('t'));
    expect(Object.keys(rules)).toHaveLength(101);
  });

  test('are distinct from other entities of the same name', async () => {
    await using parts = await startRules();
    await parts.arrange('t', ['a']);
    const wrong = { code: 'WRONG_COLLECTION' };
    await expect(parts.triggers.get(plain('on-a'))).rejects.toMatchObject(wrong);
    await expect(parts.triggers.put(plain('on-a'), {}, true)).rejects.toMatchObject(wrong);
    await expect(parts.triggers.delete(plain('on-a'))).rejects.toMatchObject(wrong);
  });

  test('let one of two concurrent changes win', async () => {
    await using parts = await startRules();
    await parts.triggers.put(plain('t'), {}, false);
    const both = [1, 2].map(() => parts.triggers.put(plain('t'), {}, true));
    const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
    expect(outcomes.toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test.each([
    [[], 'Object expected'],
    [{ parameters: {} }, 'parameters malformed'],
    [{ annotations: 'x' }, 'annotations malformed'],
    [{ version: '-1' }, 'semantic version malformed'],
    [{ publish: 'yes' }, "'publish' must be a boolean"],
    [{ annotations: [{ key: 'feed', value: '' }] }, 'Feed name is not valid'],
    [{ annotations: [{ key: 'feed', value: 'a,b' }] }, 'Feed name is not valid'],
    [{ annotations: [{ key: 'feed', value: 7 }] }, 'Feed name is not valid'],
    [{ annotations: [{ key: 'feed', value: '/a/b/c/d' }] }, 'Feed name is not valid'],
  ])('refuse %j', async (body, message) => {
    await using parts = await startRules();
    await expect(parts.triggers.put(plain('t'), body, false)).rejects.toMatchObject({
      code: 'BODY_INVALID',
      message: expect.stringContaining(message),
    });
  });

  test.each(['alarm', 'alarms/alarm', '/whisk.system/alarms/alarm'])('accept the feed %s', async (feed) => {
    await using parts = await startRules();
    const body = { annotations: [{ key: 'feed', value: feed }], feed, limits: { any: 1 }, trigger: null };
    expect((await parts.triggers.put(plain('t'), body, false)).annotations).toEqual(body.annotations);
  });

  test('refuse more parameters than are allowed', async () => {
    await using parts = await startRules();
    const parameters = [{ key: 'a', value: 'x'.repeat(1024 * 1024) }];
    await expect(parts.triggers.put(plain('t'), { parameters }, false)).rejects.toMatchObject({
      code: 'ENTITY_TOO_LARGE',
      message: 'parameters larger than allowed: 1048579 > 1048576 bytes.',
    });
  });
});
