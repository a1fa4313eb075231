import { describe, expect, test } from 'vitest';
import { hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { plain } from '../triggers/rules.fixture.ts';

const page = { skip: 0, limit: 30 };
const other = plain('x', 'other').namespace;
const parameters = (values: object) => Object.entries(values).map(([key, value]) => ({ key, value }));

async function startTwo(): Promise<Platform> {
  const platform = await startPlatform();
  await platform.functions.namespaces.create('other');
  return platform;
}

async function digestsOf({ blobs }: Platform): Promise<string[]> {
  const digests: string[] = [];
  for await (const digest of blobs.list()) digests.push(digest);
  return digests;
}

describe('packages', () => {
  test('can be created, only once, and changed and deleted', async () => {
    await using platform = await startPlatform();
    const { packages } = platform.functions;
    const body = { parameters: parameters({ a: 1 }), annotations: parameters({ x: 1, binding: 'mine' }) };
    const created = await packages.put(plain('p'), body, false);
    expect(created).toMatchObject({
      namespace: 'guest',
      name: 'p',
      version: '0.0.1',
      publish: false,
      binding: {},
      parameters: parameters({ a: 1 }),
    });
    expect(created.annotations).toEqual(parameters({ x: 1 }));
    await expect(packages.put(plain('p'), body, false)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const changed = await packages.put(plain('p'), { publish: true, annotations: [], binding: {} }, true);
    expect(changed).toMatchObject({ version: '0.0.2', publish: true, parameters: parameters({ a: 1 }) });
    expect(changed.annotations).toEqual([]);
    expect(await packages.put(plain('p'), { version: '2.0.0' }, true)).toMatchObject({ version: '2.0.0' });
    expect(await packages.delete(plain('p'), false)).toMatchObject({ name: 'p', version: '2.0.0' });
    await expect(packages.get(plain('p'), platform.guest.namespace)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('show their actions, and feeds separately', async () => {
    await using platform = await startPlatform();
    const { packages, actions } = platform.functions;
    await packages.put(plain('p'), {}, false);
    await actions.put(ref('a', 'guest', 'p'), hello, false, platform.guest);
    const feed = { ...hello, annotations: parameters({ feed: true }) };
    await actions.put(ref('f', 'guest', 'p'), feed, false, platform.guest);
    const shown = await packages.get(plain('p'), platform.guest.namespace);
    expect(shown.actions).toEqual([{ name: 'a', version: '0.0.1', annotations: expect.any(Array) }]);
    expect(shown.feeds.map(({ name }) => name)).toEqual(['f']);
  });

  test('store their parameters encrypted, and show them only to their owner', async () => {
    await using platform = await startTwo();
    const { packages } = platform.functions;
    const secret = parameters({ password: 'opensesame' });
    await packages.put(plain('p'), { parameters: secret, publish: true }, false);
    expect(JSON.stringify(await platform.store.entities.get('guest', 'p'))).not.toContain('opensesame');
    expect((await packages.get(plain('p'), platform.guest.namespace)).parameters).toEqual(secret);
    expect((await packages.get(plain('p'), other)).parameters).toEqual([
      { key: 'password', value: null, encryption: 'aes-256' },
    ]);
  });

  test('are distinct from other entities of the same name', async () => {
    await using platform = await startPlatform();
    const { packages, actions } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const wrong = { code: 'WRONG_COLLECTION' };
    await expect(packages.get(plain('a'), platform.guest.namespace)).rejects.toMatchObject(wrong);
    await expect(packages.put(plain('a'), {}, true)).rejects.toMatchObject(wrong);
    await expect(packages.delete(plain('a'), true)).rejects.toMatchObject(wrong);
  });

  test('cannot be called default', async () => {
    await using platform = await startPlatform();
    await expect(platform.functions.packages.put(plain('default'), {}, true)).rejects.toMatchObject({
      kind: 'invalid',
      message: "Package name 'default' is reserved.",
    });
  });

  test.each([
    ['x', 'Object expected'],
    [{ binding: 'x' }, "'binding' must be an object"],
    [{ binding: { name: 'x' } }, "'namespace' and a 'name'"],
    [{ binding: { namespace: '_', name: 7 } }, "'namespace' and a 'name'"],
    [{ binding: { namespace: '_', name: 'пакет' } }, 'illegal characters'],
    [{ binding: { namespace: '../x', name: 'p' } }, 'illegal characters'],
    [{ parameters: 1 }, 'parameters malformed'],
    [{ publish: 1 }, "'publish' must be a boolean"],
  ])('refuse %j', async (body, message) => {
    await using platform = await startPlatform();
    await expect(platform.functions.packages.put(plain('p'), body, false)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  test('let one of two concurrent changes win', async () => {
    await using platform = await startPlatform();
    const { packages } = platform.functions;
    await packages.put(plain('p'), {}, false);
    const both = await Promise.allSettled([1, 2].map(() => packages.put(plain('p'), {}, true)));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('deleting a package', () => {
  test.each([
    [1, '1 entity'],
    [2, '2 entities'],
  ])('with %i entities in it is refused', async (count, words) => {
    await using platform = await startPlatform();
    const { packages, actions } = platform.functions;
    await packages.put(plain('p'), {}, false);
    for (let i = 0; i < count; i++)
      await actions.put(ref(`a${i}`, 'guest', 'p'), hello, false, platform.guest);
    await expect(packages.delete(plain('p'), false)).rejects.toMatchObject({
      kind: 'conflict',
      message: `Package not empty (contains ${words}). Set force param or delete package contents.`,
    });
  });

  test('by force removes its content, with code and sandboxes, and nothing else', async () => {
    await using platform = await startPlatform();
    const { packages, actions } = platform.functions;
    for (const name of ['p', 'pp']) {
      await packages.put(plain(name), {}, false);
      const body = { exec: { ...hello.exec, code: `// of ${name}` } };
      await actions.put(ref('a', 'guest', name), body, false, platform.guest);
    }
    const row = await platform.store.entities.get('guest', 'p/a');
    platform.invoker.retired.length = 0;
    expect(await packages.delete(plain('p'), true)).toMatchObject({ name: 'p' });
    expect(platform.invoker.retired).toEqual(['/guest/p/a']);
    expect(await platform.store.entities.countByCodeDigest(row?.codeDigest ?? '')).toBe(0);
    expect(await digestsOf(platform)).not.toContain(row?.codeDigest);
    expect(await digestsOf(platform)).toHaveLength(1);
    await packages.put(plain('p'), {}, false);
    expect((await packages.get(plain('p'), platform.guest.namespace)).actions).toEqual([]);
    expect((await packages.get(plain('pp'), platform.guest.namespace)).actions).toHaveLength(1);
  });

  test('leaves its bindings, which no longer resolve and can be deleted', async () => {
    await using platform = await startTwo();
    const { packages } = platform.functions;
    const { namespace } = platform.guest;
    await packages.put(plain('p'), {}, false);
    await packages.put(plain('q', 'other'), { publish: true }, false);
    await packages.put(plain('b'), { binding: { namespace: '_', name: 'p' } }, false);
    await packages.put(plain('c'), { binding: { namespace: 'other', name: 'q' } }, false);
    await packages.delete(plain('p'), false);
    await packages.delete(plain('q', 'other'), false);
    await expect(packages.get(plain('b'), namespace)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(packages.get(plain('c'), namespace)).rejects.toMatchObject({
      code: 'NOT_AUTHORIZED',
      message: "The supplied authentication is not authorized to access 'guest/c'.",
    });
    for (const name of ['b', 'c']) expect(await packages.delete(plain(name), false)).toMatchObject({ name });
  });
});

describe('bindings', () => {
  async function startBound(): Promise<Platform> {
    const platform = await startTwo();
    const { packages } = platform.functions;
    const body = { publish: true, parameters: parameters({ a: 1, b: 1 }) };
    await packages.put(plain('p', 'other'), body, false);
    const binding = { namespace: 'other', name: 'p' };
    await packages.put(plain('b'), { binding, parameters: parameters({ b: 2, c: 2 }) }, false);
    return platform;
  }

  test('name their provider', async () => {
    await using platform = await startBound();
    const { packages } = platform.functions;
    const binding = { namespace: 'other', name: 'p' };
    const changed = await packages.put(plain('b'), { annotations: parameters({ binding: 1, x: 1 }) }, true);
    expect(changed).toMatchObject({ binding, version: '0.0.2' });
    expect(changed.annotations).toEqual(parameters({ x: 1, binding }));
    const [summary] = await packages.list(platform.guest.namespace, platform.guest.namespace, page);
    expect(summary).toMatchObject({ name: 'b', binding });
  });

  test('show the actions of their provider, and their own parameters merged over its', async () => {
    await using platform = await startBound();
    const { packages, actions } = platform.functions;
    const { namespace } = platform.guest;
    await packages.put(plain('mine'), { parameters: parameters({ a: 1, b: 1 }) }, false);
    await actions.put(ref('a', 'guest', 'mine'), hello, false, platform.guest);
    const body = { binding: { namespace: '_', name: 'mine' }, parameters: parameters({ b: 2, c: 2 }) };
    await packages.put(plain('near'), body, false);
    expect(await packages.get(plain('near'), namespace)).toMatchObject({
      name: 'near',
      binding: { namespace: 'guest', name: 'mine' },
      parameters: parameters({ a: 1, b: 2, c: 2 }),
      actions: [{ name: 'a' }],
    });
    expect((await packages.get(plain('b'), namespace)).parameters).toEqual([
      { key: 'a', value: null, encryption: 'aes-256' },
      ...parameters({ b: 2, c: 2 }),
    ]);
  });

  test('are resolved with the values of their provider', async () => {
    await using platform = await startBound();
    const { pkg, provider } = await platform.functions.packages.resolve(
      plain('b').namespace,
      plain('b').name,
    );
    expect(pkg).toMatchObject({ ref: plain('b'), parameters: parameters({ b: 2, c: 2 }) });
    expect(provider).toMatchObject({ ref: plain('p', 'other'), parameters: parameters({ a: 1, b: 1 }) });
  });

  test.each([
    ['nothing', { namespace: '_', name: 'none' }, 'BINDING_INVALID', 'a package that does not exist'],
    ['itself, which does not exist yet', { namespace: '_', name: 'n' }, 'BINDING_INVALID', 'does not exist'],
    [
      'a binding',
      { namespace: '_', name: 'b' },
      'BINDING_INVALID',
      'Cannot bind to another package binding.',
    ],
    [
      'an action',
      { namespace: '_', name: 'act' },
      'BINDING_CONFLICT',
      'Cannot bind to a resource that is not',
    ],
    ['a private package', { namespace: 'other', name: 'private' }, 'NOT_AUTHORIZED', "'other/private'"],
    [
      'a missing package of another namespace',
      { namespace: 'other', name: 'none' },
      'NOT_AUTHORIZED',
      "'other/none'",
    ],
    [
      'a binding of another namespace',
      { namespace: 'other', name: 'theirs' },
      'NOT_AUTHORIZED',
      "'other/theirs'",
    ],
    ['nobody', { namespace: 'nobody', name: 'p' }, 'NOT_AUTHORIZED', "'nobody/p'"],
  ])('to %s are refused', async (_what, binding, code, message) => {
    await using platform = await startBound();
    const { packages, actions } = platform.functions;
    await actions.put(ref('act'), hello, false, platform.guest);
    await packages.put(plain('private', 'other'), {}, false);
    const theirs = { binding: { namespace: '_', name: 'p' }, publish: true };
    await packages.put(plain('theirs', 'other'), theirs, false);
    const refused = { code, message: expect.stringContaining(message) };
    await expect(packages.put(plain('n'), { binding }, false)).rejects.toMatchObject(refused);
    await expect(packages.put(plain('b'), { binding }, true)).rejects.toMatchObject(
      binding.name === 'n' ? { code: 'BINDING_INVALID' } : refused,
    );
  });

  test('cannot be bound to themselves, and a package cannot become one', async () => {
    await using platform = await startBound();
    const { packages } = platform.functions;
    const itself = { binding: { namespace: '_', name: 'b' } };
    await expect(packages.put(plain('b'), itself, true)).rejects.toMatchObject({
      message: 'Cannot bind to another package binding.',
    });
    await packages.put(plain('q'), {}, false);
    const body = { binding: { namespace: 'other', name: 'p' } };
    await expect(packages.put(plain('q'), body, true)).rejects.toMatchObject({
      code: 'BINDING_CONFLICT',
      message: 'Resource is a package and cannot be converted into a binding.',
    });
    await expect(packages.put(plain('q'), body, false)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('stop working when their provider becomes private', async () => {
    await using platform = await startBound();
    const { packages } = platform.functions;
    await packages.put(plain('p', 'other'), { publish: false }, true);
    const refused = { code: 'NOT_AUTHORIZED', message: expect.stringContaining("'guest/b'") };
    await expect(packages.get(plain('b'), platform.guest.namespace)).rejects.toMatchObject(refused);
  });

  test('are followed in a chain, and refused in a cycle', async () => {
    await using platform = await startPlatform();
    const { packages } = platform.functions;
    const { namespace } = platform.guest;
    const bind = (name: string, to: string) =>
      packages.put(
        plain(name),
        { binding: { namespace: '_', name: to }, parameters: parameters({ [name]: 1 }) },
        false,
      );
    await packages.put(plain('b'), {}, false);
    await bind('a', 'b');
    await packages.delete(plain('b'), false);
    await packages.put(plain('c'), { parameters: parameters({ c: 1 }) }, false);
    await bind('b', 'c');
    expect((await packages.get(plain('a'), namespace)).parameters).toEqual(parameters({ c: 1, b: 1, a: 1 }));
    const row = await platform.store.entities.get('guest', 'b');
    if (row === undefined) throw new Error('no row');
    const circle = { ...row.document, binding: { namespace: 'guest', name: 'a' } };
    await platform.store.entities.put({ ...row, document: circle }, row.revision);
    await expect(packages.get(plain('a'), namespace)).rejects.toMatchObject({
      kind: 'unprocessable',
      message: "Package binding 'guest/a' contains a circular reference.",
    });
    expect(await packages.delete(plain('a'), false)).toMatchObject({ name: 'a' });
  });
});

describe('packages of another namespace', () => {
  test('are listed and read if they are shared and not bindings', async () => {
    await using platform = await startTwo();
    const { packages } = platform.functions;
    await packages.put(plain('shared', 'other'), { publish: true }, false);
    await packages.put(plain('private', 'other'), {}, false);
    const binding = { namespace: '_', name: 'shared' };
    await packages.put(plain('bound', 'other'), { publish: true, binding }, false);
    const { namespace } = platform.guest;
    const names = async (reader: typeof other) =>
      (await packages.list(other, reader, page)).map(({ name }) => name);
    expect(await names(namespace)).toEqual(['shared']);
    expect(await packages.count(other, namespace)).toBe(1);
    expect(await names(other)).toEqual(['bound', 'private', 'shared']);
    expect(await packages.list(plain('x', 'nobody').namespace, namespace, page)).toEqual([]);
    expect(await packages.get(plain('shared', 'other'), namespace)).toMatchObject({ name: 'shared' });
    for (const name of ['private', 'bound', 'none']) {
      await expect(packages.get(plain(name, 'other'), namespace)).rejects.toMatchObject({
        code: 'NOT_AUTHORIZED',
        message: `The supplied authentication is not authorized to access 'other/${name}'.`,
      });
    }
  });
});
