/** Spans as a real collector gets them. */
import { expect, test, vi } from 'vitest';
import { startReceiver } from '../../forwarding/receiver.fixture.ts';
import type { TracedActivation } from '../../functions/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import { spansOf } from './spans.ts';
import { openTracing, samplerOf } from './tracing.ts';

const activation: TracedActivation = {
  ...{
    traceId: '0af7651916cd43dd8448eb211c80319c',
    span: 'b7ad6b7169203331',
    parentSpan: '00f067aa0ba902b7',
  },
  ...{ activationId: 'b7ad6b71692033310000000000000000', namespace: 'guest', action: '/guest/box/hello' },
  ...{ kind: 'nodejs:24', status: 'success', isPart: false, start: 'cold' },
  ...{ acceptedAt: 1_000_000, startedAt: 1_000_100, endedAt: 1_000_150, initMs: 30, sandboxMs: 60 },
};

const phases = (more: Partial<TracedActivation>) =>
  spansOf({ ...activation, ...more }).map(({ name, startMs, endMs, isError }) => [
    name,
    startMs - 1_000_000,
    endMs - 1_000_000,
    ...(isError ? ['error'] : []),
  ]);

test('a run has its connections and refusals below it, each at its moment', () => {
  const connection = { name: 'api.example.com', address: '198.51.100.7', port: 443, protocol: 'tcp' };
  const spans = spansOf({
    ...activation,
    traffic: { sentBytes: 5, receivedBytes: 6, connections: [{ ...connection, at: 1_000_140 }] },
    violations: [
      { kind: 'egress', detail: 'name evil.example.com: no rule allows it', at: 9_000_000 },
      { kind: 'oom', detail: 'out of memory', at: 1_000_141 },
      ...Array.from({ length: 90 }, () => ({ kind: 'egress' as const, detail: 'again', at: 0 })),
    ],
  });
  const run = spans.find(({ name }) => name === 'run');
  expect(run?.attributes).toEqual({ 'ward.egress.sent_bytes': 5, 'ward.egress.received_bytes': 6 });
  const below = spans.filter(({ parentSpan }) => parentSpan === run?.span);
  expect(below).toHaveLength(1 + 20);
  expect(below.slice(0, 2)).toMatchObject([
    {
      ...{ name: 'tcp api.example.com:443', isError: false, startMs: 1_000_140, endMs: 1_000_140 },
      attributes: { 'server.address': 'api.example.com', 'network.peer.address': '198.51.100.7' },
    },
    // The clocks of two nodes may differ.
    { name: 'refused', isError: true, startMs: 1_000_150, attributes: { 'ward.egress': 'refused' } },
  ]);
});

test('an activation has a span, and one below it for each phase', () => {
  expect(phases({})).toEqual([
    ['guest/box/hello', 0, 150],
    ['queue', 0, 40],
    ['sandbox', 40, 100],
    ['init', 100, 130],
    ['run', 130, 150],
  ]);
  expect(phases({ start: 'warm', initMs: undefined, sandboxMs: undefined })).toEqual([
    ['guest/box/hello', 0, 150],
    ['queue', 0, 100],
    ['run', 100, 150],
  ]);
  expect(phases({ start: undefined })).toEqual([['guest/box/hello', 0, 150]]);
  const [whole, ...below] = spansOf(activation);
  expect(new Set(below.map(({ parentSpan }) => parentSpan))).toEqual(new Set([whole?.span]));
});

test('a failure marks the phase that failed', () => {
  const failed = { status: 'application error' } as const;
  expect(phases(failed).at(-1)).toEqual(['run', 130, 150, 'error']);
  expect(phases({ ...failed, initMs: 50 }).at(-1)).toEqual(['init', 100, 150, 'error']);
});

test('clocks that differ make no span of negative length', () => {
  for (const startedAt of [999_000, 1_002_000]) {
    for (const { startMs, endMs } of spansOf({ ...activation, startedAt, endedAt: startedAt + 50 })) {
      expect(endMs - startMs).toBeGreaterThanOrEqual(0);
    }
  }
});

test('a collector gets them by OTLP', async () => {
  await using collector = await startReceiver();
  const endpoint = `http://127.0.0.1:${collector.port}/base/`;
  const tracing = openTracing({ endpoint, ratio: 1, version: '1.2.3', node: 'a', log: silentLog });
  tracing.ended(activation);
  await tracing[Symbol.asyncDispose]();
  const [{ path, body } = { path: '', body: '{}' }] = collector.received;
  expect(path).toBe('/base/v1/traces');
  const [{ resource, scopeSpans }] = JSON.parse(body).resourceSpans;
  const service = ['service.name', 'service.version', 'service.instance.id'];
  expect(resource.attributes.map(({ key }: { key: string }) => key)).toEqual(service);
  const [whole, queue] = scopeSpans[0].spans;
  expect(whole).toMatchObject({
    ...{ traceId: activation.traceId, spanId: activation.span, parentSpanId: activation.parentSpan },
    ...{
      name: 'guest/box/hello',
      kind: 2,
      startTimeUnixNano: '1000000000000',
      endTimeUnixNano: '1000150000000',
    },
  });
  expect(whole.attributes).toContainEqual({ key: 'faas.coldstart', value: { boolValue: true } });
  expect(queue).toMatchObject({ name: 'queue', kind: 1, parentSpanId: activation.span });
});

test('a collector gets the headers that the environment asks for', async () => {
  await using collector = await startReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-team=s3cret,authorization=Bearer%20k%2Fy');
  try {
    const endpoint = `http://127.0.0.1:${collector.port}`;
    const tracing = openTracing({ endpoint, ratio: 1, version: '1', node: 'a', log: silentLog });
    tracing.ended(activation);
    await tracing[Symbol.asyncDispose]();
  } finally {
    vi.unstubAllEnvs();
  }
  expect(
    collector.received.map(({ path, headers }) => [path, headers['x-team'], headers.authorization]),
  ).toEqual([['/v1/traces', 's3cret', 'Bearer k/y']]);
});

test('many activations are exported without a pause', async () => {
  await using collector = await startReceiver();
  const endpoint = `http://127.0.0.1:${collector.port}`;
  await using tracing = openTracing({ endpoint, ratio: 1, version: '1', node: 'a', log: silentLog });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (let at = 0; at < 512; at++) tracing.ended(activation);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
  await expect.poll(() => collector.received.length, { timeout: 10_000 }).toBeGreaterThan(0);
});

test('a collector that is away holds up nothing', async () => {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (...said: unknown[]) => void warnings.push(String(said.at(-1))) };
  const tracing = openTracing({ endpoint: 'http://127.0.0.1:1', ratio: 1, version: '1', node: 'a', log });
  for (let at = 0; at < 10_000; at++) tracing.ended(activation);
  await tracing[Symbol.asyncDispose]();
  expect(warnings).toEqual(['the collector takes no traces']);
});

test('the ratio decides by the id of the trace', () => {
  const ends = Array.from({ length: 4_096 }, (_, at) => `${at.toString(16).padStart(3, '0')}000000000`);
  const ids = ends.map((end) => end.padStart(32, '7'));
  const sampledAt = (ratio: number) => ids.filter(samplerOf(ratio)).length;
  expect([0, 1e-20, 1 / 4_096, 0.01, 0.25, 1].map(sampledAt)).toEqual([0, 0, 1, 40, 1_024, 4_096]);
});
