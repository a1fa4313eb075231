import { expect, test } from 'vitest';
import { completion, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { type TracedActivation, traceIdOfRequest, traceMembers, traceOf } from './trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const sent = `00-${traceId}-b7ad6b7169203331-00`;

async function start(isSampled = true): Promise<Platform & { readonly ended: TracedActivation[] }> {
  const ended: TracedActivation[] = [];
  const tracing = { isSampled: () => isSampled, ended: (each: TracedActivation) => void ended.push(each) };
  const platform = await startPlatform({ tracing });
  platform.invoker.script = () => completion({}, { initMs: 3, sandboxMs: 7, start: 'cold' });
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const exec = { kind: 'sequence', components: ['/_/hello', '/_/hello'] };
  await platform.functions.actions.put(ref('twice'), { exec }, false, platform.guest);
  return Object.assign(platform, { ended });
}

const call = ({ functions, guest, authorization }: Platform, name: string, traceparent?: string) =>
  functions.invocations.invoke({
    ...{ identity: guest, action: ref(name), payload: {}, waitMs: 5000, transactionId: 't', authorization },
    traceparent,
  });

test('an activation continues the trace of its caller, and its function gets a place of its own in it', async () => {
  await using platform = await start();
  const { activationId } = await call(platform, 'hello', sent);
  const span = activationId.slice(0, 16);
  expect(platform.invoker.jobs.map(({ traceparent }) => traceparent)).toEqual([`00-${traceId}-${span}-01`]);
  expect(platform.ended).toMatchObject([
    {
      traceId,
      span,
      parentSpan: 'b7ad6b7169203331',
      activationId,
      isPart: false,
      initMs: 3,
      sandboxMs: 7,
      start: 'cold',
    },
  ]);
});

test('the parts of a sequence are below the whole, in one trace', async () => {
  await using platform = await start();
  const { activationId } = await call(platform, 'twice');
  const [first, second, whole] = platform.ended;
  expect(whole).toMatchObject({
    activationId,
    span: activationId.slice(0, 16),
    parentSpan: undefined,
    start: undefined,
  });
  for (const part of [first, second]) {
    expect(part).toMatchObject({ traceId: whole?.traceId, parentSpan: whole?.span, isPart: true });
  }
  expect(first?.span).not.toBe(second?.span);
  for (const id of [first, second, whole].map((each) => each?.activationId ?? '')) {
    const { annotations } = await platform.functions.activations.get('guest', id);
    expect(annotations).toContainEqual({ key: 'traceId', value: whole?.traceId });
  }
});

test('an accepted call keeps its trace in the durable queue', async () => {
  await using platform = await start();
  const { functions, guest, authorization, store, invoker } = platform;
  const end = Promise.withResolvers<ReturnType<typeof completion>>();
  invoker.script = () => end.promise;
  const more = { payload: {}, waitMs: undefined, transactionId: 't', authorization, traceparent: sent };
  await functions.invocations.invoke({ identity: guest, action: ref('hello'), ...more });
  const [row] = await store.accepted.pending(1);
  expect(row?.job).toMatchObject({
    traceparent: expect.stringContaining(traceId),
    parentSpan: 'b7ad6b7169203331',
  });
  end.resolve(completion({}));
  await expect.poll(() => platform.ended.length).toBe(1);
});

test('a trace that is not sampled is passed on, and nothing is exported', async () => {
  await using platform = await start(false);
  await call(platform, 'hello', sent.replace(/00$/, '01'));
  expect(platform.invoker.jobs[0]?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(platform.ended).toEqual([]);
});

test('without tracing, a job has no trace', async () => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  await call(platform, 'hello', sent);
  expect(platform.invoker.jobs[0]?.traceparent).toBeUndefined();
});

test('a request keeps the trace of its caller where nothing is traced', () => {
  expect(traceIdOfRequest(sent, 't1', false)).toBe(traceId);
});

test.each([
  undefined,
  '',
  `ff-${traceId}-b7ad6b7169203331-01`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-b7ad6b7169203331-01`,
  `00-${traceId}-b7ad6b7169203331`,
  `00-${traceId}-b7ad6b7169203331-01${'x'.repeat(300)}`,
])('%j begins a trace of the transaction', (header) => {
  const always = { isSampled: () => true };
  const trace = traceOf(header, 't1', always);
  expect(trace).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/), parentSpan: undefined });
  expect(trace.traceId).not.toBe(traceId);
  expect(traceOf(undefined, 't1', always)).toEqual(trace);
  expect(traceIdOfRequest(header, 't1', true)).toBe(trace.traceId);
  expect(traceIdOfRequest(header, 't1', false)).toBeUndefined();
  expect(traceOf(undefined, 't2', always).traceId).not.toBe(trace.traceId);
  expect(traceOf(undefined, 'a'.repeat(32), always).traceId).toBe('a'.repeat(32));
  expect(traceMembers(trace, 'f'.repeat(32), undefined).traceparent).toBe(
    `00-${trace.traceId}-${'f'.repeat(16)}-01`,
  );
});

test.each([
  '0'.repeat(32),
  'A'.repeat(32),
  'a'.repeat(31),
  'a'.repeat(33),
  `${'a'.repeat(31)}g`,
  `/${'a'.repeat(31)}`,
  `${'a'.repeat(31)}\u0161`,
])('a transaction with the id %j begins a trace with another id', (transactionId) => {
  const { traceId: id } = traceOf(undefined, transactionId, { isSampled: () => true });
  expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  expect(id).not.toBe(transactionId);
});

test('what the rules of a fired trigger call is in the trace of the caller', async () => {
  await using platform = await start();
  const { functions, guest } = platform;
  const trigger = ref('news');
  await functions.triggers.put(trigger, {}, false);
  for (const [name, annotations] of [
    ['plain', []],
    ['lasting', [{ key: 'retry', value: { attempts: 2, backoffMs: 100, maxBackoffMs: 100 } }]],
  ] as const) {
    const rule = { trigger: '/_/news', action: '/_/hello', annotations };
    await functions.rules.put(ref(name), rule, false);
  }
  await functions.firing.fire({
    ...{ identity: guest, trigger, payload: {}, transactionId: 't', authorization: undefined },
    traceparent: sent,
  });
  await expect.poll(() => platform.ended.length).toBe(2);
  const inTrace = { traceId, parentSpan: 'b7ad6b7169203331', isPart: false };
  expect(platform.ended).toEqual([expect.objectContaining(inTrace), expect.objectContaining(inTrace)]);
});
