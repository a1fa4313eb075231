/** Sequences and compositions with a scripted sandbox: platform failures, restarts, limits. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Job } from '../../dispatch/index.ts';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { parseEntityName } from '../entities/names.ts';
import { completion, failure, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { fromQueue, toQueue } from './accepted-task.ts';

/** `add` adds one to `n`; `conductor` returns its parameter `say`; other actions return their parameters. */
async function start(): Promise<Platform> {
  const platform = await startPlatform({ limits: { sequenceLength: 4 } });
  const { actions } = platform.functions;
  await actions.put(ref('add'), hello, false, platform.guest);
  const conductor = { ...hello, annotations: [{ key: 'conductor', value: true }] };
  await actions.put(ref('conductor'), conductor, false, platform.guest);
  platform.invoker.script = run;
  return platform;
}

function run(job: Job) {
  const parameters = isJsonObject(job.parameters) ? job.parameters : {};
  if (job.action === '/guest/add') return completion({ n: Number(parameters['n'] ?? 0) + 1 });
  const said = parameters['say'];
  return completion(isJsonObject(said) ? said : parameters);
}

async function sequence(platform: Platform, name: string, components: readonly string[]): Promise<void> {
  const exec = { kind: 'sequence', components };
  await platform.functions.actions.put(ref(name), { exec }, true, platform.guest);
}

function invoke(platform: Platform, name: string, payload: JsonObject = {}, isBlocking = true) {
  return platform.functions.invocations.invoke({
    identity: platform.guest,
    action: ref(name),
    payload,
    waitMs: isBlocking ? 10_000 : undefined,
    transactionId: 't1',
    authorization: platform.authorization,
  });
}

const stored = (platform: Platform, id: string) => platform.functions.activations.get('guest', id);

describe('a sequence', () => {
  test('that no longer waits for an action leaves a record of it, too', async () => {
    await using platform = await start();
    await sequence(platform, 'one', ['/_/add']);
    const free = Promise.withResolvers<void>();
    platform.invoker.slot = free.promise;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const { activationId } = await invoke(platform, 'one', { n: 1 }, false);
    await vi.waitFor(() => expect(platform.invoker.waiting).toBe(1));
    await vi.advanceTimersByTimeAsync(120_000);
    const whole = await vi.waitFor(() => stored(platform, activationId));
    const [part] = whole['logs'] as readonly string[];
    if (part === undefined) throw new Error('the sequence names no action');
    expect(whole['response']).toMatchObject({ result: { error: expect.stringContaining(part) } });
    free.resolve();
    const late = await vi.waitFor(() => stored(platform, part));
    expect(late['response']).toMatchObject({ result: { error: expect.stringContaining('did not begin') } });
    expect(platform.invoker.jobs).toEqual([]);
  });

  test('with a component that its caller may no longer use is refused before any of it runs', async () => {
    await using platform = await start();
    const { namespaces, packages, actions } = platform.functions;
    const key = await namespaces.create('other');
    const other = await namespaces.authenticate(`Basic ${Buffer.from(key).toString('base64')}`);
    const shared = { namespace: other.namespace, name: parseEntityName('shared') };
    const theirs = { namespace: other.namespace, package: shared.name, name: parseEntityName('echo') };
    await packages.put(shared, { publish: true }, false);
    await actions.put(theirs, hello, false, other);
    await sequence(platform, 'both', ['/_/add', '/other/shared/echo']);
    expect((await invoke(platform, 'both', { n: 1 })).record?.status).toBe('success');
    const jobs = platform.invoker.jobs.length;
    await packages.put(shared, { publish: false }, true);
    for (const isBlocking of [true, false])
      await expect(invoke(platform, 'both', {}, isBlocking)).rejects.toMatchObject({
        code: 'NOT_AUTHORIZED',
      });
    expect(platform.invoker.jobs).toHaveLength(jobs);
    // A component that no longer exists is reported in the record.
    await packages.put(shared, { publish: true }, true);
    await actions.delete(theirs);
    expect((await invoke(platform, 'both')).record).toMatchObject({ status: 'application error' });
  });

  test('counts once against the limits, and holds nothing after its end', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    let most = 0;
    platform.invoker.script = (job) => {
      most = Math.max(most, platform.invoker.inFlight);
      return run(job);
    };
    const { record } = await invoke(platform, 'two', { n: 1 });
    expect(record).toMatchObject({ status: 'success', result: { value: { n: 3 } } });
    expect(most).toBe(1);
    expect(platform.invoker.inFlight).toBe(0);
  });

  test('warms each of its later actions once, but not the first', async () => {
    await using platform = await start();
    await platform.functions.actions.put(ref('other'), hello, false, platform.guest);
    await sequence(platform, 'three', ['/_/add', '/_/other', '/_/other']);
    await invoke(platform, 'three');
    expect(platform.invoker.warmed.map(({ action }) => action)).toEqual(['/guest/other']);
  });

  test('whose action cannot run fails as an internal error, with a record of its parts', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    platform.invoker.script = (job) =>
      platform.invoker.jobs.length > 1 ? Promise.reject(new Error('no room')) : run(job);
    const { activationId, record } = await invoke(platform, 'two');
    expect(record).toMatchObject({
      status: 'whisk internal error',
      result: { value: { error: 'Sequence failed.' } },
    });
    expect(await stored(platform, activationId)).toMatchObject({
      logs: [expect.stringMatching(/^[0-9a-f]{32}$/)],
    });
  });

  test('that has grown too long since it was checked stops at the limit', async () => {
    await using platform = await start();
    await sequence(platform, 'inner', ['/_/add']);
    await sequence(platform, 'outer', ['/_/inner', '/_/inner']);
    await sequence(platform, 'inner', ['/_/add', '/_/add', '/_/add']);
    const { activationId, record } = await invoke(platform, 'outer');
    expect(record).toMatchObject({
      status: 'application error',
      result: { value: { error: 'Too many actions in the sequence.' } },
    });
    expect((await stored(platform, activationId))['logs']).toHaveLength(2);
    expect(platform.invoker.jobs).toHaveLength(4);
  });

  test('keeps the status of what ended it', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    platform.invoker.script = () => failure('action developer error', 'boom');
    const { record } = await invoke(platform, 'two');
    expect(record).toMatchObject({ status: 'action developer error', result: { value: { error: 'boom' } } });
    expect(platform.invoker.jobs).toHaveLength(1);
  });

  test('that was accepted runs after a restart', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    platform.invoker.script = () => new Promise(() => {});
    await invoke(platform, 'two', { n: 5 }, false);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    const [row] = await platform.store.accepted.pending(1);
    const accepted = fromQueue(row?.job ?? null, platform.vault);
    if (accepted === undefined) throw new Error('nothing was accepted');
    const activationId = 'a'.repeat(32);
    const job = toQueue({ ...accepted.task, activationId }, platform.vault);
    await platform.store.accepted.accept({
      ...{ activationId, namespace: 'guest', acceptedAt: 1, job },
      ...{ owner: 'gone', codeDigest: null },
    });
    platform.invoker.script = run;
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 1 });
    expect(await stored(platform, activationId)).toMatchObject({
      name: 'two',
      response: { status: 'success', result: { n: 7 } },
    });
  });

  test('that runs after a restart may do no more than its caller’s key', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    platform.invoker.script = () => new Promise(() => {});
    const identity = { ...platform.guest, scope: 'invoke' } as const;
    const request = { action: ref('two'), payload: {}, transactionId: 't', authorization: undefined };
    await platform.functions.invocations.invoke({ ...request, identity, waitMs: undefined });
    const [row] = await platform.store.accepted.pending(1);
    expect(fromQueue(row?.job ?? null, platform.vault)).toMatchObject({ task: { scope: 'invoke' } });
  });

  test('leaves no records if its actions keep none', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    const identity = { ...platform.guest, limits: { ...platform.guest.limits, storeActivations: false } };
    const request = { action: ref('two'), payload: {}, transactionId: 't', authorization: undefined };
    const { record } = await platform.functions.invocations.invoke({ ...request, identity, waitMs: 10_000 });
    expect(record).toMatchObject({ status: 'success' });
    await platform.functions.invocations.invoke({ ...request, identity, waitMs: undefined });
    await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
    expect(await platform.functions.activations.count({ namespace: 'guest' })).toBe(0);
  });
});

describe('a composition', () => {
  test('shares its limits with nested compositions', async () => {
    await using platform = await start();
    // Each call of the conductor names the conductor again, with the same parameters.
    const again = { action: 'conductor', params: { say: 1 } };
    platform.invoker.script = () => completion(again);
    const { record } = await invoke(platform, 'conductor');
    expect(record).toMatchObject({
      status: 'application error',
      result: { value: { error: 'Too many actions in the composition.' } },
    });
    // 2 × 4 + 1 calls of a conductor, however they nest.
    expect(platform.invoker.jobs).toHaveLength(9);
  });

  test('that names too many actions gets the error once, and may end well', async () => {
    await using platform = await start();
    platform.invoker.script = (job) => {
      if (job.action === '/guest/add') return run(job);
      const { error } = isJsonObject(job.parameters) ? job.parameters : {};
      return completion(error === undefined ? { action: 'add' } : { params: { caught: error } });
    };
    const { record } = await invoke(platform, 'conductor');
    expect(record).toMatchObject({
      status: 'success',
      result: { value: { caught: 'Too many actions in the composition.' } },
    });
    expect(platform.invoker.jobs.filter(({ action }) => action === '/guest/add')).toHaveLength(4);
  });

  test('wraps parameters and state that are not objects', async () => {
    await using platform = await start();
    const inputs: unknown[] = [];
    const results = [{ action: 'add', params: 7, state: 'mine' }, { params: [1, 2] }];
    platform.invoker.script = (job) => {
      inputs.push(job.parameters);
      return job.action === '/guest/add' ? completion({ sum: 1 }) : completion(results.shift() ?? {});
    };
    const { record } = await invoke(platform, 'conductor', { a: 1 });
    expect(inputs).toEqual([{ a: 1 }, { value: 7 }, { sum: 1, state: 'mine' }]);
    expect(record).toMatchObject({ status: 'success', result: { value: { value: [1, 2] } } });
  });

  test('whose conductor cannot run fails as an internal error', async () => {
    await using platform = await start();
    platform.invoker.script = () => Promise.reject(new Error('no room'));
    const { record } = await invoke(platform, 'conductor');
    expect(record).toMatchObject({
      status: 'whisk internal error',
      result: { value: { error: 'Activation failure during composition.' } },
    });
  });
});

describe('an activation that has not ended', () => {
  test('is visible as pending to its own namespace, whatever its kind', async () => {
    await using platform = await start();
    await sequence(platform, 'two', ['/_/add', '/_/add']);
    const gate = Promise.withResolvers<void>();
    platform.invoker.script = async (job) => {
      await gate.promise;
      return run(job);
    };
    const { activationId } = await invoke(platform, 'two', {}, false);
    const { activations } = platform.functions;
    const pending = await activations.pending('guest', activationId);
    expect(pending).toMatchObject({ name: 'two', response: { status: 'pending' }, logs: [] });
    expect(pending).not.toHaveProperty('end');
    for (const read of ['get', 'result', 'logs'] as const)
      await expect(activations[read]('guest', activationId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await activations.list({ namespace: 'guest', limit: 9, skip: 0 })).toEqual([]);
    expect(await activations.pending('other', activationId)).toBeUndefined();
    expect(await activations.pending('guest', 'f'.repeat(32))).toBeUndefined();
    gate.resolve();
    await expect
      .poll(async () => (await activations.get('guest', activationId).catch(() => undefined))?.['end'])
      .toBeDefined();
    expect(await activations.pending('guest', activationId)).toBeUndefined();
  });
});

test('keeps its input without secrets, if its action asks for that', async () => {
  await using platform = await start();
  const body = { ...hello, annotations: [{ key: 'capture-input', value: true }] };
  await platform.functions.actions.put(ref('kept'), body, false, platform.guest);
  const { activationId } = await invoke(platform, 'kept', { a: 1, token: 't' });
  const other = await invoke(platform, 'add', { a: 1 });
  const { activations } = platform.functions;
  await stored(platform, activationId);
  expect(await activations.input('guest', activationId)).toEqual({ a: 1, token: '[redacted]' });
  await stored(platform, other.activationId);
  await expect(activations.input('guest', other.activationId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
