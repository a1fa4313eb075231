import { expect, test } from 'vitest';
import { digestOf } from '../../../blobs/index.ts';
import type { Completion, Dispatcher, HeardNode, JobEnd } from '../../../dispatch/index.ts';
import type { CodeGate, GateVerdict } from '../../../functions/index.ts';
import { Fault, runCommand } from '../../../lib/index.ts';
import type { AdvisoriesAge } from '../../advisories/age.ts';
import { createFigures } from './figures.ts';
import { observedAdmission, observedDispatcher, observedGate } from './observed.ts';

const completion: Completion = {
  status: 'application error',
  result: {},
  json: '{}',
  sizeBytes: 2,
  startedAt: 1000,
  endedAt: 1250,
  waitMs: 3000,
  timedOut: false,
  start: 'cold',
  sandboxMs: 60,
};

const called = { namespace: 'guest', action: '/guest/hello' };

function fakeDispatcher(more: Partial<Dispatcher> = {}): Dispatcher {
  const unused = () => {
    throw new Error('not used');
  };
  return {
    run: async () => ({ completion, log: Promise.resolve([]) }),
    cancel: unused,
    warm: unused,
    prefetch: unused,
    follow: unused,
    checkTarget: unused,
    kept: unused,
    grant: unused,
    status: () => ({
      queued: 4,
      sandboxes: { starting: 1, busy: 2, idle: 3, prewarmed: 5 },
      memoryMiB: 512,
      memoryLimitMiB: 1024,
      memoryUsedMiB: 100,
      sandboxesLeft: 6,
    }),
    retire: unused,
    namespaces: unused,
    expel: unused,
    ...more,
  };
}

const linesOf = async (figures: ReturnType<typeof createFigures>) => (await figures.text()).split('\n');

test.each([1, 199, 200, 450])('each of %i activations counts, whenever metrics are read', async (count) => {
  const figures = createFigures('1.2.3');
  for (let at = 0; at < count; at++) figures.completed(completion, called);
  const lines = await linesOf(figures);
  expect(lines).toContain(`ward_invocations_total{status="application error",start="cold"} ${count}`);
  expect(lines).toContain(`ward_invocation_wait_seconds_count ${count}`);
});

test('count the invoker’s work', async () => {
  const figures = createFigures('1.2.3');
  const invoker = observedDispatcher(fakeDispatcher(), figures);
  // biome-ignore lint/suspicious/noExplicitAny: the double ignores it
  expect((await invoker.run(called as any)).completion).toBe(completion);
  const lines = await linesOf(figures);
  for (const line of [
    'ward_info{version="1.2.3"} 1',
    'ward_invocations_total{status="application error",start="cold"} 1',
    'ward_invocation_duration_seconds_bucket{le="0.25",start="cold"} 1',
    'ward_invocation_duration_seconds_bucket{le="0.1",start="cold"} 0',
    'ward_invocation_wait_seconds_sum 3',
    'ward_sandbox_start_seconds_sum{start="cold"} 0.06',
    'ward_queue_length 4',
    'ward_sandboxes{state="busy"} 2',
    'ward_sandboxes{state="prewarmed"} 5',
    'ward_sandbox_memory_bytes 536870912',
    'ward_sandbox_memory_limit_bytes 1073741824',
    'ward_sandbox_memory_used_bytes 104857600',
  ]) {
    expect(lines).toContain(line);
  }
});

test('a deleted namespace leaves no series, nor do its calls that end later', async () => {
  const figures = createFigures('1.2.3', 2);
  const slow = Promise.withResolvers<JobEnd>();
  const end: JobEnd = { completion, log: Promise.resolve([]) };
  const expelled: string[] = [];
  const invoker = observedDispatcher(
    fakeDispatcher({
      run: async ({ action }) => (action.endsWith('/slow') ? slow.promise : end),
      namespaces: () => new Set(['busy']),
      expel: (name) => void expelled.push(name),
    }),
    figures,
  );
  const run = (namespace: string, name: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: the double needs no more
    invoker.run({ namespace, action: `/${namespace}/${name}` } as any);
  const inCi = Array.from({ length: 500 }, (_, at) => `ci-${at}`);
  for (const namespace of inCi) for (const name of ['a', 'b', 'c']) await run(namespace, name);
  await run('guest', 'hello');
  const late = run('ci-0', 'slow');
  expect([...invoker.namespaces()]).toEqual(expect.arrayContaining(['busy', ...inCi, 'guest']));
  for (const namespace of inCi) invoker.expel(namespace);
  expect(expelled).toEqual(inCi);
  slow.resolve(end);
  await late;
  const lines = (await linesOf(figures)).filter((line) => line.startsWith('ward_action_'));
  expect(lines.filter((line) => line.includes('ci-'))).toEqual([]);
  expect(lines).toContainEqual(expect.stringContaining('/guest/hello'));
  expect(await linesOf(figures)).toContain(
    'ward_invocations_total{status="application error",start="cold"} 1502',
  );
  expect([...invoker.namespaces()]).toEqual(['busy', 'guest']);
  await run('ci-0', 'again');
  expect((await linesOf(figures)).join()).toContain('/ci-0/again');
});

test('name a trace that is exported, in OpenMetrics', async () => {
  const figures = createFigures('1.2.3', 1);
  const invoker = observedDispatcher(fakeDispatcher(), figures);
  const [exported, other] = ['a', 'b'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}`);
  // biome-ignore lint/suspicious/noExplicitAny: the double ignores it
  await invoker.run({ ...called, traceparent: `${exported}-01` } as any);
  // biome-ignore lint/suspicious/noExplicitAny: the double ignores it
  await invoker.run({ ...called, traceparent: `${other}-00` } as any);
  const read =
    'import json, sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as read; print(json.dumps([[s.name, s.exemplar and s.exemplar.labels] for f in read(sys.stdin.read()) for s in f.samples]))';
  const { stdout, stderr } = await runCommand(['/usr/bin/python3', '-c', read], {
    input: await figures.openMetrics.text(),
  });
  expect(stderr).toBe('');
  const samples: [string, object | null][] = JSON.parse(stdout);
  const labels = { trace_id: 'a'.repeat(32), span_id: 'a'.repeat(16) };
  expect(samples.filter(([, exemplar]) => exemplar !== null)).toEqual(
    ['ward_invocation_duration', 'ward_invocation_wait', 'ward_sandbox_start', 'ward_action_duration'].map(
      (name) => [`${name}_seconds_bucket`, labels],
    ),
  );
  expect(samples).toContainEqual(['ward_invocations_total', null]);
  const plain = await linesOf(figures);
  expect(plain).toContain('ward_invocations_total{status="application error",start="cold"} 2');
  expect(plain.join()).not.toContain('trace_id');
});

test('count clock changes by direction', async () => {
  const figures = createFigures('test');
  for (const jumpMs of [-3_600_000, -2000, 86_400_000]) figures.clockSet(jumpMs);
  const lines = await linesOf(figures);
  expect(lines).toContain('ward_clock_jumps_total{direction="back"} 2');
  expect(lines).toContain('ward_clock_jumps_total{direction="forward"} 1');
});

test('count the accepted calls, and do not wait for a database that does not answer', async () => {
  const figures = createFigures('test');
  const known = { waiting: 3, begun: 1, oldestWaitingMs: 4_500 };
  let answer: Promise<typeof known> = Promise.resolve(known);
  figures.watchQueue(() => answer);
  expect(await linesOf(figures)).toEqual(
    expect.arrayContaining(['ward_accepted_waiting 3', 'ward_accepted_oldest_seconds 4.5']),
  );
  for (const trouble of [Promise.reject(new Error('away')), new Promise<typeof known>(() => {})]) {
    answer = trouble;
    expect(await linesOf(figures)).toEqual(
      expect.arrayContaining(['ward_accepted_waiting Nan', 'ward_accepted_oldest_seconds Nan']),
    );
  }
});

test('show the advisories, also when there are none', async () => {
  const figures = createFigures('test');
  const none = { count: 0, ageSeconds: undefined, checkedSeconds: undefined, failed: [], isBehind: false };
  let now: Omit<AdvisoriesAge, 'warning'> = none;
  figures.watchAdvisories(() => now);
  expect(await linesOf(figures)).toEqual(
    expect.arrayContaining([
      'ward_advisories 0',
      'ward_advisories_age_seconds -1',
      'ward_advisories_checked_seconds -1',
      'ward_advisories_failed_sources 0',
      'ward_advisories_behind 0',
    ]),
  );
  now = { count: 5, ageSeconds: 60, checkedSeconds: 30, failed: ['osv/npm'], isBehind: true };
  expect(await linesOf(figures)).toEqual(
    expect.arrayContaining([
      'ward_advisories 5',
      'ward_advisories_age_seconds 60',
      'ward_advisories_checked_seconds 30',
      'ward_advisories_failed_sources 1',
      'ward_advisories_behind 1',
    ]),
  );
});

test('count refusals by limit', async () => {
  const figures = createFigures('test');
  const refuse = (code: string) => () => {
    throw new Fault(code, 'throttled', 'no');
  };
  const limits = { invocationsPerMinute: 1, concurrentInvocations: 1, firesPerMinute: 1 };
  const admission = observedAdmission(
    {
      admit: refuse('TOO_MANY_CONCURRENT'),
      admitFire: refuse('TOO_MANY_PER_MINUTE'),
      resume: refuse('not used'),
      usage: refuse('not used'),
      allowed: refuse('not used'),
    },
    figures,
  );
  expect(() => admission.admit('guest', limits)).toThrow('no');
  expect(() => admission.admitFire('guest', limits)).toThrow('no');
  for (const code of ['INVOKER_BUSY', 'INVOKERS_BUSY', 'INVOKERS_BUSY']) figures.overloaded(code);
  const counted = (await linesOf(figures)).filter((line) => line.startsWith('ward_throttled_total{'));
  // One that has refused nothing is there, too: the first refusal is an increase.
  expect(counted.toSorted()).toEqual([
    'ward_throttled_total{limit="concurrent invocations"} 1',
    'ward_throttled_total{limit="firings per minute"} 1',
    'ward_throttled_total{limit="invocations per minute"} 0',
    'ward_throttled_total{limit="invokers busy"} 2',
    'ward_throttled_total{limit="queue full"} 1',
    'ward_throttled_total{limit="records full"} 0',
  ]);
});

test('count the gate’s verdicts on deployments, but only its denials of runs', async () => {
  const figures = createFigures('test');
  let verdict: GateVerdict = { outcome: 'warn', summary: '' };
  const gate: CodeGate = {
    admitCode: async () => verdict,
    admitImage: async () => verdict,
    mayRun: () => verdict,
  };
  const observed = observedGate(gate, figures);
  const deployment = { namespace: 'guest', actor: 'key', action: 'guest/hello', kind: 'nodejs:24' };
  const runnable = { owner: 'guest', kind: 'nodejs:24', image: undefined, digest: digestOf('code') };
  await observed.admitCode({ ...deployment, code: new Uint8Array() });
  await observed.mayRun(runnable, 'guest');
  verdict = { outcome: 'deny', summary: '' };
  await observed.admitImage({ ...deployment, image: 'app' });
  await observed.mayRun(runnable, 'guest');
  const lines = (await linesOf(figures)).filter((line) => line.startsWith('ward_gate_verdicts_total'));
  expect(lines.toSorted()).toEqual([
    'ward_gate_verdicts_total{stage="deploy",outcome="deny"} 1',
    'ward_gate_verdicts_total{stage="deploy",outcome="warn"} 1',
    'ward_gate_verdicts_total{stage="run",outcome="deny"} 1',
  ]);
});

test('many violations make only one series for each kind', async () => {
  const figures = createFigures('test');
  for (let count = 0; count < 10_000; count++) figures.violated(count % 2 === 0 ? 'oom' : 'egress');
  figures.passedOver();
  const lines = (await linesOf(figures)).filter((line) => line.startsWith('ward_sandbox_violations'));
  expect(lines).toEqual([
    'ward_sandbox_violations_total{kind="oom"} 5000',
    'ward_sandbox_violations_total{kind="egress"} 5000',
    'ward_sandbox_violations_not_kept_total 1',
  ]);
});

test('show each node that is heard, no longer than it is, and a bounded number of them', async () => {
  const figures = createFigures('test');
  let heard: HeardNode[] = [];
  figures.watchNodes(() => heard);
  const status = { ...fakeDispatcher().status(), queued: 3 };
  const invoker = {
    ...{ status, processors: 2, idleMiB: 0, mostStarting: 2, mostQueued: 9, isDraining: true },
    ...{ idle: [{ hash: '0123456789abcdef', free: 1 }], soonFree: [], abilities: undefined as never },
  };
  const node = (name: string, more: Partial<HeardNode['report']> = {}): HeardNode => ({
    report: {
      ...{ node: name, role: 'api', start: '', version: '1.2.3', protocol: { min: 1, max: 1 } },
      ...{ upMs: 5, isLeaving: false, kept: [], namespaces: [], ...more },
    },
    ageMs: 250,
  });
  heard = [
    node('b', { role: 'invoker', version: 'a"\n', invoker }),
    node('a', { judges: { policy: 'p1', advisories: undefined } }),
    node('c', { judges: { policy: 'p2', advisories: 'r2', vex: 'v2' }, isAlone: true }),
  ];
  const ofNodes = async () =>
    (await linesOf(figures)).filter((line) => /^ward_nodes? |^ward_node_/.test(line));
  expect(await ofNodes()).toEqual([
    'ward_nodes 3',
    'ward_node_info{node="a",role="api",version="1.2.3",policy="p1"} 1',
    'ward_node_info{node="b",role="invoker",version="a\\"\\n"} 1',
    'ward_node_info{node="c",role="api",version="1.2.3",policy="p2",advisories="r2",vex="v2"} 1',
    'ward_node_beat_age_seconds{node="a"} 0.25',
    'ward_node_beat_age_seconds{node="b"} 0.25',
    'ward_node_beat_age_seconds{node="c"} 0.25',
    'ward_node_load{node="b"} 3',
    'ward_node_sandboxes{node="b",state="starting"} 1',
    'ward_node_sandboxes{node="b",state="busy"} 2',
    'ward_node_sandboxes{node="b",state="idle"} 3',
    'ward_node_sandboxes{node="b",state="prewarmed"} 5',
    'ward_node_sandboxes_left{node="b"} 6',
    'ward_node_queue_length{node="b"} 3',
    'ward_node_warm_actions{node="b"} 1',
    'ward_node_sandbox_memory_bytes{node="b",what="promised"} 536870912',
    'ward_node_sandbox_memory_bytes{node="b",what="used"} 104857600',
    'ward_node_draining{node="b"} 1',
    'ward_node_alone{node="a"} 0',
    'ward_node_alone{node="c"} 1',
  ]);
  heard = Array.from({ length: 1_500 }, (_, at) => node(`n${at}`));
  const many = await ofNodes();
  expect(many[0]).toBe('ward_nodes 1500');
  expect(many).toHaveLength(1 + 3 * 1_000);
});

test('count the messages that were dropped, by reason, since the start', async () => {
  const figures = createFigures('test');
  const counts = { refused: 1, stalled: 2, unsent: 0, ignored: 3 };
  figures.watchMessages(() => counts);
  await linesOf(figures);
  counts.ignored = 7;
  const lines = (await linesOf(figures)).filter((line) => line.startsWith('ward_messages_dropped_total'));
  expect(lines).toEqual([
    'ward_messages_dropped_total{reason="unreadable"} 1',
    'ward_messages_dropped_total{reason="unfinished"} 2',
    'ward_messages_dropped_total{reason="unsent"} 0',
    'ward_messages_dropped_total{reason="not theirs"} 7',
  ]);
});
