import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Violation, violation } from '../../sandbox/index.ts';
import { LogStreams } from '../logs/log-streams.ts';
import { CulpritNotes } from './culprit.ts';
import { RunLine } from './run-line.ts';
import { TrafficMeter } from './traffic-meter.ts';

const limits = { timeoutMs: 1000 };

function start(isConcurrent = false) {
  const sent: { id: string; after: number }[] = [];
  let timeouts = 0;
  let leftLying = 0;
  const notes = new CulpritNotes();
  const found: Violation[] = [];
  const logs = new LogStreams(new PassThrough(), new PassThrough());
  const line = new RunLine({
    logs,
    send: (json) => sent.push(JSON.parse(json)),
    onTimeout: () => timeouts++,
    onOverdue: () => leftLying++,
    notes,
    traffic: new TrafficMeter(),
    // Violations are found when an answer arrives.
    examine() {
      for (const each of found.splice(0)) notes.note(each);
    },
  });
  logs.isConcurrent = line.isConcurrent = isConcurrent;
  const add = (id: string, timeoutMs = limits.timeoutMs) => {
    const end = line.add({ id, value: {}, env: {} }, { timeoutMs });
    let settled: unknown = 'open';
    void end.then((value) => {
      settled = value === undefined ? 'given back' : value.outcome;
    });
    return () => settled;
  };
  const answer = (id: string, more: object = {}) =>
    line.answer({ type: 'result', id, ok: true, quiet: true, value: { id }, ...more });
  const turn = () => vi.advanceTimersByTimeAsync(0);
  return {
    line,
    notes,
    found,
    sent,
    add,
    answer,
    turn,
    timeouts: () => timeouts,
    leftLying: () => leftLying,
  };
}

/** Polls after timers, which wait until all input is read; a fake clock does that a millisecond later. */
const pollAfterTimers = () => vi.advanceTimersByTimeAsync(1);

const value = (id: string) => ({ kind: 'value', value: { id }, json: JSON.stringify({ id }) });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a line of runs, one at a time', () => {
  it('sends each at once, with the answers seen, and takes answers in order', async () => {
    const { sent, add, answer, turn } = start();
    const ends = ['a', 'b'].map((id) => add(id));
    expect(answer('b')).toBe(false);
    expect(answer('a')).toBe(true);
    const third = add('c');
    expect(sent.map(({ id, after }) => [id, after])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 1],
    ]);
    expect(answer('b')).toBe(true);
    await turn();
    expect(ends.map((end) => end())).toEqual([value('a'), value('b')]);
    expect(third()).toBe('open');
  });

  it.each([
    ['with the answer before', ({ answer }: ReturnType<typeof start>) => answer('a', { next: 'b' })],
    [
      'in a frame of its own',
      ({ answer, line }: ReturnType<typeof start>) => answer('a') && line.takeUp('b'),
    ],
    ['by an answer', ({ answer, add }: ReturnType<typeof start>) => answer('a') && answer('b') && add('c')],
  ])('accepts an early run that is reported as begun %s', async (_how, begin) => {
    const started = start();
    for (const id of ['a', 'b']) started.add(id);
    expect(begin(started)).toBeTruthy();
    await vi.advanceTimersByTimeAsync(5000);
    started.line.reclaim();
    expect(started.leftLying()).toBe(0);
  });

  it('asks to end a sandbox that does not begin an early run, which is then run elsewhere', async () => {
    const { line, sent, add, answer, turn, leftLying, timeouts } = start();
    const ends = ['a', 'b', 'c'].map((id) => add(id, 60_000));
    expect(sent).toMatchObject([{ id: 'a' }, { id: 'b', early: true }, { id: 'c', early: true }]);
    answer('a');
    await vi.advanceTimersByTimeAsync(900);
    line.reclaim();
    expect(leftLying()).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    line.reclaim();
    await turn();
    expect(leftLying()).toBe(1);
    line.fail('violation');
    await turn();
    expect(ends.map((end) => end())).toEqual([value('a'), 'given back', 'given back']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(timeouts()).toBe(0);
  });

  it('does not report a time-out of a run that was never begun', async () => {
    const { line, add, answer, turn, leftLying, timeouts } = start();
    add('a');
    const end = add('b', 100);
    answer('a');
    await vi.advanceTimersByTimeAsync(100);
    await pollAfterTimers();
    expect([leftLying(), timeouts()]).toEqual([1, 0]);
    line.fail('violation');
    await turn();
    expect(end()).toBe('given back');
  });

  it('reports a violation when a run is begun out of turn', () => {
    const { line, add, answer } = start();
    for (const id of ['a', 'b', 'c']) add(id);
    expect(['a', 'b', 'c', undefined].map((id) => line.takeUp(id))).toEqual([false, false, false, false]);
    expect(answer('a', { next: 'c' })).toBe(false);
  });

  it('gives early runs back after a late answer', async () => {
    const { line, add, answer, turn } = start();
    const [head, early] = ['a', 'b'].map((id) => add(id));
    expect(answer('a', { late: true })).toBe(true);
    await turn();
    expect([head?.(), early?.()]).toEqual([value('a'), 'given back']);
    expect(line.size).toBe(0);
  });

  it('takes back early runs behind a slow one, whose answer must then be late', async () => {
    const { line, add, answer, turn } = start();
    const [head, ...early] = ['a', 'b', 'c'].map((id) => add(id));
    line.reclaim();
    expect(line.takesEarly()).toBe(true);
    await vi.advanceTimersByTimeAsync(31);
    expect(line.takesEarly()).toBe(false);
    line.reclaim();
    await turn();
    expect(early.map((end) => end())).toEqual(['given back', 'given back']);
    expect(answer('a', { late: true })).toBe(true);
    await turn();
    expect(head?.()).toEqual(value('a'));
  });

  it('reports a violation when an answer after that is not late', async () => {
    const { line, add, answer, turn } = start();
    for (const id of ['a', 'b']) add(id);
    await vi.advanceTimersByTimeAsync(31);
    line.reclaim();
    await turn();
    expect(answer('a')).toBe(false);
  });

  it('after a standstill of this process, gives back no begun run and ends no sandbox', async () => {
    const { line, add, answer, turn, leftLying, timeouts } = start();
    const ends = ['a', 'b', 'c'].map((id) => add(id));
    vi.setSystemTime(Date.now() + 5000);
    vi.advanceTimersByTime(1000);
    // Input that arrived in the meantime is read after the timers that are due.
    line.reclaim();
    expect(answer('a', { next: 'b' })).toBe(true);
    expect(answer('b', { next: 'c' })).toBe(true);
    await turn();
    expect(ends.map((end) => end())).toEqual([value('a'), value('b'), 'open']);
    expect([leftLying(), timeouts()]).toEqual([0, 0]);
  });

  it('counts the time of a run from its own beginning', async () => {
    const { add, answer, timeouts } = start();
    for (const id of ['a', 'b']) add(id);
    await vi.advanceTimersByTimeAsync(900);
    answer('a', { next: 'b' });
    await vi.advanceTimersByTimeAsync(900);
    expect(timeouts()).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    await pollAfterTimers();
    expect(timeouts()).toBe(1);
  });

  it('attributes a violation only to the run during which it was found', async () => {
    const { line, found, answer, turn } = start();
    const [first, second] = ['1', '2'].map((id) => line.add({ id, value: {}, env: {} }, limits));
    found.push(violation('pids', 'too many', 5));
    await vi.advanceTimersByTimeAsync(1);
    answer('1');
    await vi.advanceTimersByTimeAsync(1);
    answer('2');
    await turn();
    expect((await first)?.violations).toEqual([{ kind: 'pids', detail: 'too many', at: 5 }]);
    expect((await second)?.violations).toBeUndefined();
  });

  it('looks for violations not after a very short run, but after the next longer one', async () => {
    const { line, found, answer } = start();
    const [first, second] = ['1', '2'].map((id) => line.add({ id, value: {}, env: {} }, limits));
    found.push(violation('pids', 'too many', 5));
    answer('1');
    expect((await first)?.violations).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    answer('2');
    expect((await second)?.violations).toHaveLength(1);
  });

  it('fails the one that was running when the sandbox ends, and gives the rest back', async () => {
    const { line, add, turn } = start();
    const [head, early] = ['a', 'b'].map((id) => add(id));
    line.fail('out-of-memory');
    await turn();
    expect(head?.()).toEqual({ kind: 'failed', failure: 'out-of-memory' });
    expect(early?.()).toBe('given back');
  });

  it('finds the run of an answer that is too large to be read, and whether it was late', async () => {
    const { line, add, turn } = start();
    const [head, early] = ['a1', 'b2'].map((id) => add(id));
    const frame = {
      kind: 'large' as const,
      lengthBytes: 5_000_000,
      head: Buffer.from('{"type":"result","quiet":true,"late":true,"id":"a1","ok":true,"value":{"x":"'),
    };
    expect(line.answerLarge({ ...frame, head: Buffer.from('{"type":"result","id":"zz"') })).toBe(false);
    expect(line.answerLarge(frame)).toBe(true);
    await turn();
    expect(head?.()).toMatchObject({ kind: 'too-large', head: '{"x":"' });
    expect(early?.()).toBe('given back');
  });
});

describe('a line of runs at once', () => {
  it('takes answers in any order', async () => {
    const { add, answer, turn } = start(true);
    const ends = ['a', 'b'].map((id) => add(id));
    expect([answer('b'), answer('x'), answer('a')]).toEqual([true, false, true]);
    await turn();
    expect(ends.map((end) => end())).toEqual([value('a'), value('b')]);
  });

  it('blames only the run that exceeded its time limit', async () => {
    const { line, add, turn } = start(true);
    const slow = add('slow');
    await vi.advanceTimersByTimeAsync(500);
    const neighbour = add('neighbour');
    await vi.advanceTimersByTimeAsync(500);
    await pollAfterTimers();
    line.fail('timeout');
    await turn();
    expect(slow()).toEqual({ kind: 'failed', failure: 'timeout' });
    expect(neighbour()).toEqual({ kind: 'failed', failure: 'exited' });
  });

  it.each([
    ['{"type":"result","id":"1","ok":true,"value":{"big":"xxx', '{"big":"xxx'],
    ['{"type":"result","quiet":true,"late":true,"id":"1","ok":true,"value":["xxx', '["xxx'],
    ['{"type":"result","late":true,"id":"1","ok":false,"error":"xxx', '"ok":false,"error":"xxx'],
  ])('finds the result in the head of a skipped frame: %s', async (head, shown) => {
    const { line, add, turn } = start();
    const end = add('1');
    const frame = { kind: 'large' as const, lengthBytes: 10_000_000, head: Buffer.from(head) };
    expect(line.answerLarge(frame)).toBe(true);
    await turn();
    const lengthBytes = 10_000_000 - (head.length - shown.length) - 1;
    expect(end()).toEqual({ kind: 'too-large', lengthBytes, head: shown });
    expect(line.answerLarge(frame)).toBe(false);
  });
});
