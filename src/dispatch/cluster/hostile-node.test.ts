/** A node that forges, floods or answers nonsense. */
import { describe, expect, it, vi } from 'vitest';
import { mostTrafficBytes } from '../../egress/index.ts';
import { newActivationId, silentLog } from '../../lib/index.ts';
import { mostViolations } from '../remote/remote-jobs.ts';
import type { Job } from '../types.ts';
import { noActivation } from '../wire/frames.ts';
import { plain } from '../wire/heads.ts';
import { encodeMessage } from '../wire/messages.ts';
import { MemoryNetwork } from './cluster.fixture.ts';
import {
  clusterOf,
  forge,
  invokerNode,
  job,
  joined,
  nothing,
  prompt,
  subjects,
  until,
  watch,
} from './scripted-cluster.fixture.ts';

const forgedResult = {
  completion: {
    ...{ status: 'success', start: 'warm', timedOut: false, waitMs: 0, startedAt: 1, endedAt: 1 },
  },
  log: { isLong: false, bytes: 0 },
};

/** As which sending of the job an invoker answers. */
function sendingOf(network: MemoryNetwork, { activationId }: Job) {
  const run = network.seen.find(
    ({ type, bytes }) => type === 'run' && bytes.toString('hex', 4, 20) === activationId,
  );
  return { activationId, attempt: run?.bytes.readUInt32BE(20) ?? 0 };
}

describe('a hostile node', () => {
  it('cannot put a text of its own into the reason of a wait', async () => {
    const { dispatcher, network, a, api } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    const completion = { ...forgedResult.completion, waitReason: '"},{"key":"start"' };
    forge(network.bus(), subjects.api('api', 'a'), {
      ...{ type: 'res', head: { ...forgedResult, completion }, tail: Buffer.from('{}') },
      ...sendingOf(network, given),
    });
    expect((await end).completion.waitReason).toBeUndefined();
    expect(api.counts().ignored).toBe(0);
    a.answer(given.activationId);
  });

  it('is named in the log when it answers for jobs that it does not have, once for many answers', async () => {
    const network = new MemoryNetwork();
    const warn = vi.fn();
    const api = await joined(network.bus(), { node: 'api', log: { ...silentLog, warn } });
    const message = { activationId: job().activationId, tail: Buffer.from('{}') };
    for (let attempt = 1; attempt <= 50; attempt++)
      forge(network.bus(), subjects.api('api', 'evil'), {
        ...{ type: 'res', head: forgedResult, attempt, ...message },
      });
    await until(() => api.counts().ignored === 50);
    expect(warn.mock.calls).toEqual([
      [{ node: 'evil', type: 'res', ignored: 1 }, expect.stringContaining('is ignored')],
    ]);
  });

  it('cannot answer for a job that another node has', async () => {
    const { dispatcher, network, a, api } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    const [run] = network.seen.filter(({ type }) => type === 'run');
    const attempt = run?.bytes.readUInt32BE(20) ?? 0;
    const message = { activationId: given.activationId, attempt, tail: Buffer.from('{"forged":true}') };
    const bus = network.bus();
    forge(bus, subjects.api('api', 'evil'), { type: 'res', head: forgedResult, ...message });
    forge(bus, subjects.api('api', 'evil'), { type: 'nack', head: {}, ...message });
    forge(bus, subjects.api('api', 'evil'), { type: 'begin', head: {}, ...message });
    // The right node, but another attempt.
    forge(bus, subjects.api('api', 'a'), {
      type: 'res',
      head: forgedResult,
      ...message,
      attempt: attempt + 1,
    });
    await until(() => api.counts().ignored === 4);
    expect(seen).toEqual({});
    a.answer(given.activationId, { own: true });
    await until(() => seen.end !== undefined);
    expect(seen.end?.completion.result).toEqual({ own: true });
  });

  const withTraffic = (sentBytes: number) => ({
    ...forgedResult,
    completion: { ...forgedResult.completion, traffic: { sentBytes, receivedBytes: 0 } },
  });
  it.each([
    ['not JSON', forgedResult, '{"not": json}'],
    ['traffic', withTraffic(mostTrafficBytes + 1), '{}'],
    ['traffic', withTraffic(-1), '{}'],
  ])('loses only its own job with an answer that can’t be read (%s)', async (why, head, tail) => {
    const { dispatcher, network, a } = await clusterOf('a');
    const [first, second] = [job(), job()];
    const seen = watch(dispatcher.run(first, prompt()));
    const end = dispatcher.run(second, prompt());
    await until(() => a.jobs.length === 2);
    const [run] = network.seen.filter(({ type }) => type === 'run');
    forge(network.bus(), subjects.api('api', 'a'), {
      ...{ type: 'res', activationId: first.activationId, attempt: run?.bytes.readUInt32BE(20) ?? 0 },
      ...{ head, tail: Buffer.from(tail) },
    });
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKER_LOST', message: expect.stringContaining(why) });
    a.answer(first.activationId);
    a.answer(second.activationId, { ok: true });
    expect((await end).completion.result).toEqual({ ok: true });
  });

  it('stops nothing with noise, and the noise is counted', async () => {
    const { dispatcher, network, a, api } = await clusterOf('a');
    const bus = network.bus();
    const places = [
      subjects.api('api', 'evil'),
      subjects.invoker('a', 'evil'),
      subjects.report('invoker', 'evil'),
      subjects.all('evil'),
    ];
    const [valid = nothing] = encodeMessage({
      ...{ type: 'run', activationId: noActivation, attempt: 1, head: { job: {} }, tail: nothing },
    });
    for (const place of places) {
      for (let n = 0; n < 50; n++) {
        const flipped = Buffer.from(valid);
        flipped[n % flipped.length] = 255 - n;
        bus.publish(place, flipped);
        bus.publish(place, Buffer.alloc(n, n));
      }
    }
    bus.publish(subjects.api('api', 'not a name'), valid);
    forge(bus, subjects.report('invoker', 'evil'), {
      type: 'report',
      activationId: noActivation,
      attempt: 0,
      head: {},
    });
    forge(bus, subjects.invoker('a', 'evil'), {
      ...{ type: 'run', activationId: newActivationId(), attempt: 1 },
      head: { start: '0'.repeat(16), sentAt: 0, isAsked: false, job: { namespace: 1 } },
    });
    await until(() => api.counts().refused >= 50);
    expect(a.cluster.counts().refused).toBeGreaterThan(50);
    expect(a.jobs).toEqual([]);
    expect(api.nodes().map(({ node }) => node)).toEqual(['a']);
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
  });

  it('cannot say that it serves the API, which would lower the limits of the others', async () => {
    const { network, api } = await clusterOf('a');
    const about = { role: 'api', start: '0'.repeat(16), version: '1', protocol: { min: 1, max: 1 } };
    const said = (node: string) => ({
      ...{ type: 'report' as const, activationId: noActivation, attempt: 0, tail: nothing },
      head: { node, ...about, upMs: 1, isLeaving: false, kept: [], namespaces: [] },
    });
    forge(network.bus(), subjects.report('invoker', 'evil'), said('evil'));
    // The same by a node that the bus knows as one of the API.
    forge(network.bus(), subjects.report('api', 'other'), said('other'));
    await until(() => api.nodes().length === 2);
    expect(api.nodes().map(({ node }) => node)).toEqual(['a', 'other']);
  });

  it('cannot fill the log of violations, or date them in the future', async () => {
    const network = new MemoryNetwork();
    const reports: { at: number }[] = [];
    const api = await joined(network.bus(), { node: 'api', onViolation: (report) => reports.push(report) });
    const report = { kind: 'oom', detail: 'x', at: 8_640_000_000_000_000, activationIds: [] };
    for (let n = 0; n < 3 * mostViolations; n++)
      forge(network.bus(), subjects.api('api', 'evil'), {
        ...{ type: 'violation', activationId: noActivation, attempt: 0, head: { report } },
      });
    await until(() => api.counts().ignored === 2 * mostViolations);
    expect(reports).toHaveLength(mostViolations);
    expect(Math.max(...reports.map(({ at }) => at))).toBeLessThanOrEqual(Date.now());
  });

  it('cannot make others keep more than a bounded part of what it never ends', async () => {
    const { network, api, a } = await clusterOf('a');
    const bus = network.bus();
    const whole = encodeMessage({
      ...{
        type: 'res',
        activationId: noActivation,
        attempt: 0,
        head: {},
        tail: Buffer.alloc(60 * 1024 * 1024),
      },
    });
    const before = process.memoryUsage().arrayBuffers;
    // 50 MiB from each of seven senders, none of which ends a message. The network of this test keeps none of it.
    for (let sender = 0; sender < 7; sender++) {
      for (let n = 0; n < 100; n++) {
        const frame = Buffer.from(whole[n % (whole.length - 1)] ?? nothing);
        frame.writeUInt32BE(Math.trunc(n / (whole.length - 1)), 20);
        bus.publish(subjects.api('api', `evil${sender}`), frame);
        network.seen.length = 0;
      }
      await new Promise(setImmediate);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(320 * 1024 * 1024);
    expect(api.counts().refused).toBeGreaterThan(0);
    expect(a.cluster.nodes()).toHaveLength(1);
  });

  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const odd: readonly (readonly [string, Buffer, number])[] = [
    ['that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 0],
    ['that nests deep', Buffer.from(deep(100_000)), 0],
    ['with a log beyond its limit', Buffer.concat([Buffer.from('{}'), Buffer.alloc(2_000_000)]), 2_000_000],
    ['with a log of empty lines only', Buffer.from(`{}${'"",'.repeat(300_000)}`), 900_000],
  ];
  it.each(odd)('cannot put a result into a record %s', async (_, tail, bytes) => {
    const { dispatcher, network, a } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    const head = { ...forgedResult, log: { isLong: true, bytes } };
    forge(network.bus(), subjects.api('api', 'a'), { type: 'res', head, tail, ...sendingOf(network, given) });
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKER_LOST' });
    a.answer(given.activationId);
  });

  it('cannot date a call outside of its time', async () => {
    const { dispatcher, network, a } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    const completion = { ...forgedResult.completion, startedAt: 1, endedAt: 8_640_000_000_000_000 };
    const message = { ...sendingOf(network, given), tail: Buffer.from('{}') };
    forge(network.bus(), subjects.api('api', 'a'), {
      type: 'res',
      head: { ...forgedResult, completion },
      ...message,
    });
    const { startedAt, endedAt } = (await end).completion;
    expect(startedAt).toBe(given.acceptedAt);
    expect(endedAt).toBeGreaterThanOrEqual(startedAt);
    expect(endedAt).toBeLessThanOrEqual(Date.now());
    a.answer(given.activationId);
  });

  it('cannot return more than the node of the caller allows', async () => {
    const { a, given, end } = await runningWithLimit(1000);
    a.answer(given.activationId, { text: 'x'.repeat(1000) });
    const { status, result, json } = (await end).completion;
    expect(status).toBe('application error');
    expect(result).toEqual({
      error: expect.stringMatching(/^The action produced a response .* 1011 > 1000 bytes\. .*"text":"xxx/),
    });
    expect(JSON.parse(json)).toEqual(result);
  });

  it.each([
    ['success', 'application error'],
    ['application error', 'application error'],
    ['action developer error', 'action developer error'],
    ['whisk internal error', 'whisk internal error'],
  ] as const)('has a result of status %s that is too large recorded as %s', async (sent, kept) => {
    const { network, a, given, end } = await runningWithLimit(1000);
    forge(network.bus(), subjects.api('api', 'a'), {
      type: 'res',
      head: { ...forgedResult, completion: { ...forgedResult.completion, status: sent } },
      tail: Buffer.from(JSON.stringify({ error: 'x'.repeat(1000) })),
      ...sendingOf(network, given),
    });
    const { status, json } = (await end).completion;
    expect(status).toBe(kept);
    expect(json).toContain('1012 > 1000 bytes.');
    a.answer(given.activationId);
  });

  it('cannot make an invoker parse parameters that nest deep', async () => {
    const { network, a } = await clusterOf('a');
    const { activationId, parameters: _, ...rest } = job();
    const head = { start: '0'.repeat(16), sentAt: Date.now(), isAsked: false, job: plain(rest) };
    const tail = Buffer.from(deep(100_000));
    forge(network.bus(), subjects.invoker('a', 'evil'), {
      type: 'run',
      activationId,
      attempt: 1,
      head,
      tail,
    });
    await until(() => network.count('nack') === 1);
    expect(a.jobs).toEqual([]);
  });

  it.each([
    ['without lines', '[]'],
    ['of other values', '[1]'],
  ])('ends a log that is followed by a piece %s', async (_, tail) => {
    const { dispatcher, network, a } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    const log = dispatcher.follow(given.activationId);
    if (log === undefined) throw new Error('there is no log');
    const pieces = Array.fromAsync(log);
    await until(() => network.count('follow') === 1);
    forge(network.bus(), subjects.api('api', 'a'), {
      ...{ type: 'line', head: { follower: 1, piece: 0, skipped: 0 }, tail: Buffer.from(tail) },
      ...sendingOf(network, given),
    });
    expect(await pieces).toEqual([]);
    a.answer(given.activationId);
    await end;
  });

  it('that answers much at once gets each acknowledgement in a message that can be read', async () => {
    const { network, a } = await clusterOf('a');
    const bus = network.bus();
    const of = Array.from({ length: 20_000 }, () => [newActivationId(), 1] as const);
    for (let n = 0; n < 2; n++)
      forge(bus, subjects.api('api', 'a'), {
        ...{ type: 'beat', activationId: noActivation, attempt: 0 },
        head: { of: of.map(([id, attempt]) => [id, attempt + n]) },
      });
    await until(() => network.count('ack') >= 2);
    expect(a.cluster.counts().refused).toBe(0);
    // Nothing is sent for each of them.
    expect(network.count('cancel')).toBe(0);
  });
});

describe('a node of another version', () => {
  const report = (node: string, protocol: { min: number; max: number }) => ({
    ...{ type: 'report' as const, activationId: noActivation, attempt: 0, tail: nothing },
    head: {
      ...{ node, role: 'api', start: '0'.repeat(16), version: '9.0.0', protocol, upMs: 1, isLeaving: false },
      ...{ kept: [], namespaces: [] },
    },
  });

  it('is used while it reads this version, too; otherwise the log names it, once', async () => {
    const network = new MemoryNetwork();
    const warn = vi.fn();
    const api = await joined(network.bus(), { node: 'api', log: { ...silentLog, warn } });
    for (const [node, min, max] of [
      ['newest', 2, 3],
      ['newest', 2, 3],
      ['newer', 1, 2],
    ] as const)
      forge(network.bus(), subjects.report('api', node), report(node, { min, max }));
    await until(() => api.nodes().length === 1);
    expect(api.nodes().map(({ node }) => node)).toEqual(['newer']);
    const about = { node: 'newest', version: '9.0.0', reads: '2 to 3', written: 1 };
    expect(warn.mock.calls).toEqual([[about, expect.stringContaining('can’t read this node’s messages')]]);
  });

  it('whose messages can’t be read is named in the log', async () => {
    const network = new MemoryNetwork();
    const warn = vi.fn();
    const api = await joined(network.bus(), { node: 'api', log: { ...silentLog, warn } });
    for (const frame of encodeMessage(report('newest', { min: 2, max: 2 }))) {
      frame.writeUInt8(2, 0);
      network.bus().publish(subjects.report('api', 'newest'), frame);
    }
    await until(() => api.counts().refused === 1);
    expect(warn.mock.calls[0]?.[0]).toMatchObject({
      subject: subjects.report('api', 'newest'),
      reason: 'a message between nodes has version 2; this Ward knows 1 to 1',
    });
  });
});

/** An invoker that runs a job of a node which allows no larger results. */
async function runningWithLimit(resultBytes: number) {
  const network = new MemoryNetwork();
  const a = await invokerNode(network, 'a');
  const api = await joined(network.bus(), { node: 'api', resultBytes });
  await until(() => api.nodes()[0]?.invoker !== undefined);
  const given = job();
  const end = api.dispatcher.run(given, prompt());
  await until(() => a.jobs.length === 1);
  return { network, a, given, end };
}
