import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { changedBy } from '../entities/changed.ts';
import type { Functions } from '../functions.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import { basic, type Platform, startPlatform } from '../platform.fixture.ts';
import { type Credential, type CredentialEnd, createCredentialWatch } from './credential-watch.ts';
import { newOperatorLogin } from './sessions.ts';

/** Within which an end is noticed, also by a server that gets no hint. */
const soon = { timeout: 1000, interval: 10 };

/** Watches a credential, and notes its end. */
function watch({ credentials }: Pick<Functions, 'credentials'>, credential: Credential) {
  const ends: CredentialEnd[] = [];
  const stop = credentials.watch(credential, (end) => ends.push(end));
  return { ends, stop };
}

async function keyOf({ namespaces }: Functions, key: string): Promise<Credential> {
  return { identity: await namespaces.authenticate(basic(key)), session: undefined };
}

async function newKey(functions: Functions, expiresAt?: number) {
  const { key, keyId } = await functions.namespaces.createKey('guest', { scope: 'read', expiresAt });
  return { key, keyId, credential: await keyOf(functions, key) };
}

async function newSession(functions: Functions, key: string) {
  const { token } = await functions.sessions.begin(key);
  const credential = { identity: await functions.sessions.identityOf(token), session: token };
  return { token, credential };
}

/** The server that changes something, and the one where it is open. */
const places = [
  ['this server', async (platform: Platform) => platform.functions],
  ['another server', (platform: Platform) => platform.restart()],
] as const;

describe.each(places)('what %s ends', (_, other) => {
  test('is a key that it deletes, and no other of the namespace', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const elsewhere = await other(platform);
    const { keyId, credential } = await newKey(platform.functions);
    const [gone, again] = [watch(platform.functions, credential), watch(platform.functions, credential)];
    const stays = watch(platform.functions, (await newKey(platform.functions)).credential);
    await elsewhere.namespaces.deleteKey('guest', keyId);
    await expect.poll(() => [gone.ends, again.ends], soon).toEqual([['ended'], ['ended']]);
    expect(stays.ends).toEqual([]);
    const late = watch(platform.functions, credential);
    await expect.poll(() => late.ends, soon).toEqual(['ended']);
  });

  test('is a first key that it replaces, and every key of a namespace that it deletes', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const elsewhere = await other(platform);
    const further = watch(platform.functions, (await newKey(platform.functions)).credential);
    const first = watch(platform.functions, { identity: platform.guest, session: undefined });
    await elsewhere.namespaces.rotateKey('guest');
    await expect.poll(() => first.ends, soon).toEqual(['ended']);
    expect(further.ends).toEqual([]);
    await elsewhere.namespaces.delete('guest');
    await expect.poll(() => further.ends, soon).toEqual(['ended']);
  });

  test('is a session that it ends, and no other of the key', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const elsewhere = await other(platform);
    const { key, credential } = await newKey(platform.functions);
    const one = await newSession(platform.functions, key);
    const two = await newSession(platform.functions, key);
    const [gone, stays] = [one, two].map((each) => watch(platform.functions, each.credential));
    const byKey = watch(platform.functions, credential);
    await elsewhere.sessions.end(one.token, 'key');
    await expect.poll(() => gone?.ends, soon).toEqual(['ended']);
    expect([stays?.ends, byKey.ends]).toEqual([[], []]);
    await elsewhere.namespaces.deleteKey('guest', credential.identity?.keyId ?? '');
    await expect.poll(() => [stays?.ends, byKey.ends], soon).toEqual([['ended'], ['ended']]);
  });

  test('is the session of an operator that it ends, and what a person who logs out everywhere has', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const elsewhere = await other(platform);
    const { functions, store } = platform;
    const enter = async () => {
      const { login } = await newOperatorLogin(store.sessions);
      const { token } = await functions.sessions.beginOperator(login);
      return { token, ...watch(functions, { identity: undefined, session: token }) };
    };
    const [leaves, stays] = [await enter(), await enter()];
    const { person, name } = { person: 'p', name: 'ada' };
    const login = { person, role: 'viewer' };
    const { key } = await functions.namespaces.createKey('guest', { scope: 'read', maker: name, login });
    const ofPerson = watch(functions, await keyOf(functions, key));
    await elsewhere.sessions.end(leaves.token, 'operator');
    await elsewhere.exchange.endOperator({ person, name });
    await expect.poll(() => [leaves.ends, ofPerson.ends], soon).toEqual([['ended'], ['ended']]);
    expect(stays.ends).toEqual([]);
  });
});

test('the oldest session ends when a key has too many, though nobody ended it', async () => {
  await using platform = await startPlatform();
  const { functions } = platform;
  const { key } = await newKey(functions);
  const first = watch(functions, (await newSession(functions, key)).credential);
  // The limit of the store for one key.
  for (let n = 0; n < 50; n++) await functions.sessions.begin(key);
  await expect.poll(() => first.ends, soon).toEqual(['ended']);
});

test('a key ends with its time', async () => {
  await using platform = await startPlatform();
  const expiresAt = Date.now() + 400;
  const { credential } = await newKey(platform.functions, expiresAt);
  const { ends } = watch(platform.functions, credential);
  await expect.poll(() => ends, soon).toEqual(['ended']);
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
});

test('a lent key ends with the run that it was lent for, and with its namespace', async () => {
  await using platform = await startPlatform();
  const { functions } = platform;
  const lend = async () => {
    const lent = await functions.namespaces.lendKey('guest', 'full');
    const identity = await functions.namespaces.authenticateInside(basic(lent?.key ?? ''));
    return { lent, ...watch(functions, { identity, session: undefined }) };
  };
  const [one, two] = [await lend(), await lend()];
  // Nor does it end with the first key, whose id it has.
  await functions.namespaces.rotateKey('guest');
  one.lent?.[Symbol.dispose]();
  await expect.poll(() => one.ends, soon).toEqual(['ended']);
  expect(two.ends).toEqual([]);
  await functions.namespaces.delete('guest');
  await functions.namespaces.create('guest');
  await expect.poll(() => two.ends, soon).toEqual(['ended']);
});

describe('how often it looks', () => {
  const guest = { namespace: 'guest', keyId: 'k', createdAt: 1 } as Identity;
  const byKey: Credential = { identity: guest, session: undefined };
  const expiryOf = vi.fn<(keyId: string) => Promise<number | undefined>>();
  const leftMs = vi.fn<() => Promise<number | undefined>>();
  const watched = () =>
    createCredentialWatch({
      namespaces: { expiryOf, createdAt: () => 1 },
      sessions: { leftMs },
    });
  const change = (kind: 'keys' | 'sessions' | 'namespaces', path: string, namespace = 'other') =>
    changedBy([{ kind, namespace, path }]);
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    vi.useFakeTimers();
    expiryOf.mockReset().mockResolvedValue(Number.POSITIVE_INFINITY);
    leftMs.mockReset().mockResolvedValue(3_600_000);
  });
  afterEach(() => void vi.useRealTimers());

  test('once at first, and then only after changes of the key and its namespace', async () => {
    const credentials = watched();
    const { ends } = watch({ credentials }, byKey);
    await passes(86_400_000);
    expect(expiryOf).toHaveBeenCalledTimes(1);
    credentials.forget(change('keys', 'another'));
    credentials.forget(change('namespaces', ''));
    credentials.forget(change('sessions', 'k'));
    await passes(1000);
    expect(expiryOf).toHaveBeenCalledTimes(1);
    credentials.forget(change('keys', 'k'));
    await passes(0);
    credentials.forget(change('namespaces', '', 'guest'));
    await passes(0);
    credentials.forget();
    await passes(0);
    expect([expiryOf.mock.calls.length, ends]).toEqual([4, []]);
  });

  test('once for all that is open with one credential, and not at all when nothing is', async () => {
    const credentials = watched();
    const all = Array.from({ length: 100 }, () => watch({ credentials }, byKey));
    await passes(0);
    const before = expiryOf.mock.calls.length;
    credentials.forget();
    await passes(0);
    expect(expiryOf.mock.calls.length - before).toBe(1);
    for (const { stop } of all) stop();
    credentials.forget();
    await passes(0);
    expect(expiryOf.mock.calls.length - before).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('eight at a time when everything may have changed, and once more for what changes meanwhile', async () => {
    const credentials = watched();
    const identities = Array.from({ length: 20 }, (_, at) => ({ ...guest, keyId: `k${at}` }));
    const all = identities.map((identity) => watch({ credentials }, { identity, session: undefined }));
    await passes(0);
    expiryOf.mockClear();
    const answers: ((end: number | undefined) => void)[] = [];
    expiryOf.mockImplementation(() => new Promise((resolve) => answers.push(resolve)));
    credentials.forget();
    credentials.forget();
    await passes(0);
    expect(answers.length).toBe(8);
    credentials.forget(change('keys', 'k0'));
    while (answers.length > 0) {
      answers.shift()?.(Number.POSITIVE_INFINITY);
      await passes(0);
    }
    const asked = expiryOf.mock.calls.map(([keyId]) => keyId);
    expect(new Set(asked).size).toBe(20);
    expect(asked.lastIndexOf('k0')).toBeGreaterThan(asked.indexOf('k0'));
    expect(all.flatMap(({ ends }) => ends)).toEqual([]);
  });

  test('when the time of the key or of the session is over, however far that is', async () => {
    const far = 40 * 86_400_000;
    expiryOf.mockResolvedValue(Date.now() + far);
    const credentials = watched();
    watch({ credentials }, byKey);
    await passes(86_400_000);
    expect(expiryOf).toHaveBeenCalledTimes(1);
    const { ends } = watch({ credentials }, { identity: guest, session: 'token' });
    await passes(3_599_999);
    expect(leftMs).toHaveBeenCalledTimes(1);
    leftMs.mockResolvedValue(undefined);
    await passes(1);
    expect(ends).toEqual(['ended']);
  });

  test('a look that fails ends what is open, since Ward does not see whether it may go on', async () => {
    const credentials = watched();
    const { ends } = watch({ credentials }, byKey);
    await passes(0);
    expiryOf.mockRejectedValue(new Error('the database is away'));
    credentials.forget();
    await passes(0);
    expect(ends).toEqual(['unknown']);
    credentials.forget();
    await passes(0);
    expect(ends).toEqual(['unknown']);
  });
});
