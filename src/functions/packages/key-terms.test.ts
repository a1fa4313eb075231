/** Which key an action in another namespace's package gets, and what it may do with it. */
import { describe, expect, test } from 'vitest';
import type { KeyScope } from '../namespaces/key-scopes.ts';
import { completion, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { plain } from '../triggers/rules.fixture.ts';

const basic = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;
const withKey = { ...hello, annotations: [{ key: 'provide-api-key', value: true }] };
const inPackage = (namespace: string, name: string) => ref('a', namespace, name);

/** `other` shares a package with an action that wants a key, and `guest` has bound it. */
async function withShared(scope?: unknown, binding: readonly object[] = []): Promise<Platform> {
  const platform = await startPlatform();
  const { namespaces, packages, actions } = platform.functions;
  const other = await namespaces.authenticate(basic(await namespaces.create('other')));
  const annotations = scope === undefined ? [] : [{ key: 'api-key-scope', value: scope }];
  await packages.put(plain('shared', 'other'), { publish: true, annotations }, false);
  await actions.put(inPackage('other', 'shared'), withKey, false, other);
  const body = { binding: { namespace: 'other', name: 'shared' }, annotations: binding };
  await packages.put(plain('bound'), body, false);
  return platform;
}

/** What the run's key allows from inside; `own` if it is the caller's key. */
async function given(
  platform: Platform,
  action: ReturnType<typeof ref>,
  { scope = 'full', isKeyless = false }: { scope?: KeyScope; isKeyless?: boolean } = {},
): Promise<string> {
  const { namespaces, invocations } = platform.functions;
  let result = 'nothing';
  platform.invoker.script = async ({ apiKey = '' }) => {
    const identity = await namespaces.authenticateInside(basic(apiKey));
    expect(identity.namespace).toBe('guest');
    result = basic(apiKey) === platform.authorization ? 'own' : identity.scope;
    return completion({});
  };
  await invocations.invoke({
    identity: { ...platform.guest, scope },
    ...{ action, payload: {}, waitMs: 10_000, transactionId: 't1' },
    authorization: isKeyless ? undefined : platform.authorization,
  });
  const [job] = platform.invoker.jobs.splice(0);
  const key = job?.apiKey ?? '';
  if (result !== 'own') await expect(async () => namespaces.authenticateInside(basic(key))).rejects.toThrow();
  return result;
}

describe('an action of another namespace’s package', () => {
  test.each<[declared: KeyScope | undefined, caller: KeyScope, given: KeyScope]>([
    [undefined, 'full', 'none'],
    ['none', 'full', 'none'],
    ['invoke', 'full', 'invoke'],
    ['read', 'full', 'read'],
    ['deploy', 'full', 'deploy'],
    ['full', 'full', 'full'],
    ['full', 'invoke', 'invoke'],
    ['deploy', 'invoke', 'none'],
    ['deploy', 'read', 'read'],
  ])(
    'that declares %s gets from a caller with %s a lent key of scope %s',
    async (declared, scope, expected) => {
      await using platform = await withShared(declared);
      expect(await given(platform, inPackage('other', 'shared'), { scope })).toBe(expected);
      expect(await given(platform, inPackage('guest', 'bound'), { scope })).toBe(expected);
      expect(await given(platform, inPackage('other', 'shared'), { scope, isKeyless: true })).toBe(expected);
    },
  );

  test('gets the caller’s own key only through a binding that asks for it', async () => {
    await using platform = await withShared('invoke', [{ key: 'pass-api-key', value: true }]);
    expect(await given(platform, inPackage('guest', 'bound'))).toBe('own');
    expect(await given(platform, inPackage('guest', 'bound'), { isKeyless: true })).toBe('full');
    expect(await given(platform, inPackage('other', 'shared'))).toBe('invoke');
  });

  test('does not get it by an annotation of its own package', async () => {
    await using platform = await withShared('invoke');
    const annotations = [{ key: 'pass-api-key', value: true }];
    await platform.functions.packages.put(plain('shared', 'other'), { annotations }, true);
    expect(await given(platform, inPackage('other', 'shared'))).toBe('none');
  });

  test('shows the caller the declared scope in its package', async () => {
    await using platform = await withShared('invoke');
    const seen = await platform.functions.packages.get(plain('shared', 'other'), platform.guest.namespace);
    expect(seen.annotations).toContainEqual({ key: 'api-key-scope', value: 'invoke' });
  });
});

test('an action of the caller’s own package gets the caller’s key, or one with its scope', async () => {
  await using platform = await startPlatform();
  const { packages, actions } = platform.functions;
  await packages.put(plain('own'), { annotations: [{ key: 'api-key-scope', value: 'none' }] }, false);
  await actions.put(inPackage('guest', 'own'), withKey, false, platform.guest);
  expect(await given(platform, inPackage('guest', 'own'))).toBe('own');
  expect(await given(platform, inPackage('guest', 'own'), { isKeyless: true })).toBe('full');
  expect(await given(platform, inPackage('guest', 'own'), { isKeyless: true, scope: 'invoke' })).toBe(
    'invoke',
  );
});

test.each([
  ['api-key-scope', 'all'],
  ['api-key-scope', true],
  ['pass-api-key', 'yes'],
])('a package with the annotation %s: %j is refused', async (key, value) => {
  await using platform = await startPlatform();
  const put = platform.functions.packages.put(plain('p'), { annotations: [{ key, value }] }, false);
  await expect(put).rejects.toMatchObject({ code: 'BODY_INVALID' });
});

describe('a composition of another namespace’s package', () => {
  /** The conductor names guest's own action. Returns what the caller learns of it, and the scope of the action's key. */
  async function compose(platform: Platform, packageOf: readonly [namespace: string, name: string]) {
    const { namespaces, actions, invocations } = platform.functions;
    const other = await namespaces.identityOf('other');
    if (other === undefined) throw new Error('no namespace');
    const conductor = { ...hello, annotations: [{ key: 'conductor', value: true }] };
    await actions.put(inPackage('other', 'shared'), conductor, true, other);
    await actions.put(ref('secret'), withKey, false, platform.guest);
    let scope: string | undefined;
    platform.invoker.script = async ({ action, parameters, apiKey = '' }) => {
      if (action !== '/guest/secret')
        return completion(
          'told' in parameters || 'error' in parameters ? { ...parameters } : { action: '/guest/secret' },
        );
      const isOwn = basic(apiKey) === platform.authorization;
      scope = isOwn ? 'own' : (await namespaces.authenticateInside(basic(apiKey))).scope;
      return completion({ told: 'the secret' });
    };
    const { record } = await invocations.invoke({
      ...{ identity: platform.guest, action: ref('a', ...packageOf), payload: {}, waitMs: 10_000 },
      ...{ transactionId: 't1', authorization: platform.authorization },
    });
    return { result: record?.result, scope };
  }

  test('calls none of its caller’s actions without permission', async () => {
    await using platform = await withShared('read');
    const { result, scope } = await compose(platform, ['other', 'shared']);
    expect(JSON.stringify(result)).toContain("Failed entitlement check for action with name 'guest/secret'");
    expect(scope).toBeUndefined();
  });

  test('calls its caller’s action with no more rights than its package declares', async () => {
    await using platform = await withShared('invoke');
    const { result, scope } = await compose(platform, ['other', 'shared']);
    expect(JSON.stringify(result)).toContain('the secret');
    expect(scope).toBe('invoke');
  });

  test('calls its caller’s action as the caller through a binding that asks for it', async () => {
    await using platform = await withShared('none', [{ key: 'pass-api-key', value: true }]);
    const { result, scope } = await compose(platform, ['guest', 'bound']);
    expect(JSON.stringify(result)).toContain('the secret');
    expect(scope).toBe('own');
  });
});
