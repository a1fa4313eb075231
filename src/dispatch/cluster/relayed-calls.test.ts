/** Logs that are followed, and calls that are cancelled, at the API node that has taken them. */
import { describe, expect, it } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { LiveLog } from '../live-log.ts';
import { MemoryNetwork } from './cluster.fixture.ts';
import { forge, invokerNode, joined, pass, subjects, until } from './scripted-cluster.fixture.ts';

const stays = new AbortController().signal;

/** Two API nodes and an invoker. `b` has taken an activation of the namespace `acme`. */
async function setUp() {
  const network = new MemoryNetwork();
  const activationId = newActivationId();
  const logs: LiveLog[] = [];
  const left: string[] = [];
  const has = (namespace: string, id: string) => namespace === 'acme' && id === activationId;
  const cancelled: string[] = [];
  const ownCalls = {
    has,
    async cancel(namespace: string, id: string) {
      cancelled.push(`${namespace} ${id}`);
      return true;
    },
    follow(namespace: string, id: string, signal: AbortSignal) {
      if (!has(namespace, id)) return undefined;
      const log = new LiveLog(() => left.push(id), signal);
      logs.push(log);
      return log;
    },
  };
  const bBus = network.bus();
  const b = await joined(bBus, { node: 'b', ownCalls });
  await invokerNode(network, 'inv');
  const a = await joined(network.bus(), { node: 'a' });
  await until(() => a.nodes().length === 2 && b.nodes().length === 2);
  const follow = (signal = stays) => a.followElsewhere('acme', activationId, signal);
  return { network, activationId, logs, left, cancelled, a, b, bBus, follow };
}

async function read(log: AsyncIterable<{ lines: readonly string[]; skipped: number }> | undefined) {
  const pieces = await Array.fromAsync(log ?? []);
  return {
    lines: pieces.flatMap(({ lines }) => lines),
    skipped: pieces.reduce((sum, { skipped }) => sum + skipped, 0),
  };
}

describe('a log at another API node', () => {
  it('comes line by line, to its end', async () => {
    const { follow, logs } = await setUp();
    const log = (await follow())?.[Symbol.asyncIterator]();
    const first = log?.next();
    await until(() => logs.length === 1);
    logs[0]?.add('one');
    expect(await first).toMatchObject({ value: { lines: ['one'] } });
    const second = log?.next();
    logs[0]?.add('two');
    expect(await second).toMatchObject({ value: { lines: ['two'] } });
    logs[0]?.end();
    expect(await log?.next()).toMatchObject({ done: true });
  });

  it('is not there for another namespace, another activation, or without another API node', async () => {
    const { a, b, activationId } = await setUp();
    expect(await a.followElsewhere('other', activationId, stays)).toBeUndefined();
    expect(await a.followElsewhere('acme', newActivationId(), stays)).toBeUndefined();
    expect(await b.followElsewhere('acme', activationId, stays)).toBeUndefined();
    const alone = await joined(new MemoryNetwork().bus(), { node: 'alone' });
    expect(await alone.followElsewhere('acme', activationId, stays)).toBeUndefined();
  });

  it('is not the only thing to ask for: a call is cancelled where it is, and nowhere else', async () => {
    const { a, b, activationId, cancelled } = await setUp();
    expect(await a.cancelElsewhere('other', activationId)).toBe(false);
    expect(await a.cancelElsewhere('acme', newActivationId())).toBe(false);
    expect(await b.cancelElsewhere('acme', activationId)).toBe(false);
    expect(cancelled).toEqual([]);
    expect(await a.cancelElsewhere('acme', activationId)).toBe(true);
    expect(cancelled).toEqual([`acme ${activationId}`]);
  });

  it('survives messages that are lost or doubled', async () => {
    const { network, follow, logs } = await setUp();
    const lost = new Set<string>();
    network.fate = ({ type = '' }) => {
      if (!['follow', 'line', 'end'].includes(type) || lost.has(type)) return 'arrives twice';
      lost.add(type);
      return 'is lost';
    };
    const reading = read(await follow());
    await pass(3_600);
    await until(() => logs.length === 1);
    logs[0]?.add('one');
    await pass(3_600);
    logs[0]?.end();
    await pass(3_600);
    expect(await reading).toEqual({ lines: ['one'], skipped: 0 });
    expect(lost.size).toBe(3);
  });

  it('that is endless takes bounded memory of a follower that never reads', async () => {
    const { network, follow, logs, left } = await setUp();
    const goes = new AbortController();
    const log = await follow(goes.signal);
    await until(() => logs.length === 1);
    const line = 'x'.repeat(400_000);
    for (let n = 0; n < 40; n++) {
      logs[0]?.add(line);
      if (n % 10 === 0) await pass(900);
    }
    // One piece is on its way, and it is the only one.
    expect(network.count('line')).toBe(1);
    logs[0]?.end();
    const { lines, skipped } = await read(log);
    expect(lines.length + skipped).toBe(40);
    expect(lines.length).toBeLessThan(15);
    const again = await follow(goes.signal);
    await until(() => logs.length === 2);
    goes.abort();
    await until(() => left.length === 1);
    expect(await read(again)).toEqual({ lines: [], skipped: 0 });
  });

  it('ends with its node, but not while that is only silent for a moment', async () => {
    const { follow, logs, b, bBus } = await setUp();
    const log = await follow();
    const reading = read(log);
    await until(() => logs.length === 1);
    bBus.state = 'down';
    await pass(3_600);
    bBus.state = 'up';
    logs[0]?.add('after the silence');
    await pass(3_600);
    await b[Symbol.asyncDispose]();
    expect(await reading).toEqual({ lines: ['after the silence'], skipped: 0 });
  });

  it('ends when its node is silent for long, and no one waits for the answer of a silent one', async () => {
    const { follow, logs, bBus } = await setUp();
    const reading = read(await follow());
    await until(() => logs.length === 1);
    bBus.state = 'down';
    const asked = follow();
    await pass(15_000);
    expect(await asked).toBeUndefined();
    expect(await reading).toEqual({ lines: [], skipped: 0 });
  });
});

describe('a hostile node', () => {
  it('can neither follow a log as an invoker nor answer that it has one', async () => {
    const { network, activationId, a, b, follow } = await setUp();
    const bus = network.bus();
    const forged = { activationId, attempt: 0 };
    const question = '0'.repeat(16);
    for (const from of ['inv', 'unknown']) {
      forge(bus, subjects.api('b', from), {
        type: 'where',
        head: { question, namespace: 'acme' },
        ...forged,
      });
      const head = { follower: 1, piece: 0, namespace: 'acme' };
      forge(bus, subjects.api('b', from), { type: 'follow', head, ...forged });
    }
    await until(() => b.counts().refused === 4);
    expect(network.seen.some(({ subject }) => subject.endsWith('.api.inv.b'))).toBe(false);
    // The answer of the node that has the log is late: the others' come first, and don't count.
    const known: string[] = [];
    network.fate = ({ type, subject, bytes }) => {
      if (type !== 'where') return 'arrives';
      const asked = /"question":"([0-9a-f]{16})"/.exec(bytes.toString())?.[1];
      if (subject.endsWith('.api.b.a') && asked !== undefined) known.push(asked);
      return subject.endsWith('.api.a.b') ? 'is lost' : 'arrives';
    };
    const log = follow();
    await until(() => known.length === 1);
    const answer = { type: 'where' as const, head: { question: known[0] ?? '', isHere: true } };
    forge(bus, subjects.api('a', 'inv'), { ...answer, ...forged });
    // An API node that was asked, but about another activation.
    forge(bus, subjects.api('a', 'b'), { ...answer, activationId: newActivationId(), attempt: 0 });
    await until(() => a.counts().refused >= 1);
    await pass(1_000);
    expect(await log).toBeUndefined();
  });

  it('cannot put lines into a log that another node sends', async () => {
    const { network, activationId, a, follow, logs } = await setUp();
    const reading = read(await follow());
    await until(() => logs.length === 1);
    const head = { follower: 1, piece: 0, skipped: 0 };
    const tail = Buffer.from('["forged"]');
    forge(network.bus(), subjects.api('a', 'inv'), {
      ...{ type: 'line', activationId, attempt: 0, head, tail },
    });
    forge(network.bus(), subjects.api('a', 'inv'), {
      ...{ type: 'end', activationId, attempt: 0, head: { follower: 1 } },
    });
    forge(network.bus(), subjects.api('a', 'inv'), {
      ...{ type: 'where', activationId, attempt: 0, head: { question: '0'.repeat(16), namespace: 'acme' } },
    });
    await until(() => a.counts().refused === 1);
    logs[0]?.add('own');
    logs[0]?.end();
    expect((await reading).lines).toEqual(['own']);
  });
});
