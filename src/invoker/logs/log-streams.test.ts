import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ActivationLog,
  isLongLog,
  LiveLog,
  type LogFollower,
  linesOf,
  partialOf,
} from '../../dispatch/index.ts';
import { lineMark } from './line-owners.ts';
import { Lines } from './log-lines.ts';
import { LogStreams, missingSentinelText, type SentinelForm, sentinel } from './log-streams.ts';

const quiet = { isQuiet: true };
const marked = { isQuiet: false };

function start(limitBytes = 1000, isConcurrent = false, form: SentinelForm = 'named') {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const streams = new LogStreams(stdout, stderr, form);
  streams.limitBytes = limitBytes;
  streams.isConcurrent = isConcurrent;
  const end = (id: string) => {
    stdout.write(`${sentinel} ${id}\n`);
    stderr.write(`${sentinel} ${id}\n`);
  };
  return { stdout, stderr, streams, end };
}

const texts = (log: ActivationLog) => linesOf(log).map((line) => line.slice(31));

describe('log streams', () => {
  it("have OpenWhisk's form", async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    stdout.write('hello\n');
    end('a');
    const [line] = linesOf(await sink.finish(marked));
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout: hello$/);
  });

  it('end at the sentinel, which is not shown, and are in time order', async () => {
    const { stdout, stderr, streams, end } = start();
    const sink = streams.open('a');
    stdout.write('a\nb');
    stderr.write('oops\n');
    stdout.write('c\r\n');
    end('a');
    stdout.write('after\n');
    expect(texts(await sink.finish(marked))).toEqual(['stdout: a', 'stderr: oops', 'stdout: bc']);
  });

  it('wait for a sentinel while they are held back', async () => {
    const { stdout, stderr, streams, end } = start();
    const sink = streams.open('a');
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const both = [stdout, stderr];
    const lines = sink.finish(marked);
    for (let turn = 0; turn < 20; turn++) {
      for (const stream of both) stream.pause();
      await vi.advanceTimersByTimeAsync(950);
      for (const stream of both) stream.resume();
      await vi.advanceTimersByTimeAsync(50);
    }
    stdout.write('late\n');
    end('a');
    expect(texts(await lines)).toEqual(['stdout: late']);
  });

  it('wait for a sentinel that comes after the answer', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    const lines = sink.finish(marked);
    stdout.write('late\n');
    end('a');
    expect(texts(await lines)).toEqual(['stdout: late']);
  });

  it('belong to the activation that the sentinel names, even if later ones have written too', async () => {
    const { stdout, streams, end } = start();
    const sinks = ['a', 'b', 'c'].map((id) => streams.open(id));
    stdout.write(`1\n${sentinel} a\n2\n${sentinel} b\n3\n`);
    end('c');
    const lines = sinks.map((sink) => sink.finish(marked));
    end('a');
    end('b');
    expect((await Promise.all(lines)).map(texts)).toEqual([['stdout: 1'], ['stdout: 2'], ['stdout: 3']]);
  });

  it('treat a sentinel of an activation that is not open as a line', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    stdout.write(`${sentinel} forged\nx\n`);
    end('a');
    expect(texts(await sink.finish(marked))).toEqual([`stdout: ${sentinel} forged`, 'stdout: x']);
  });

  it('omit what an activation wrote between a faked end and its true end', async () => {
    const { stdout, stderr, streams, end } = start();
    const first = streams.open('a');
    stdout.write(`kept\n${sentinel} a\nstray`);
    stderr.write(`${sentinel} a\n`);
    expect(texts(await first.finish(marked))).toEqual(['stdout: kept']);
    const second = streams.open('b');
    stdout.write(`\nmore\n${sentinel} a\nof b\n`);
    end('b');
    expect(texts(await second.finish(marked))).toEqual(['stdout: of b']);
  });

  it('end at a sentinel that follows half a line', async () => {
    const { stdout, stderr, streams } = start();
    const sink = streams.open('a');
    stdout.write(`one\nhalf${sentinel} a\n`);
    stderr.write(`${sentinel} a\n`);
    expect(texts(await sink.finish(marked))).toEqual(['stdout: one', 'stdout: half']);
  });

  it('need no sentinel when the runner says that it wrote nothing', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open('a');
    stdout.write('past the runner\n');
    expect(texts(await first.finish(quiet))).toEqual(['stdout: past the runner']);
    const second = streams.open('b');
    stdout.write('second\n');
    end('b');
    expect(texts(await second.finish(marked))).toEqual(['stdout: second']);
  });

  it('keep the lines of the next activation when a quiet one ends', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open('a');
    const next = streams.open('b');
    stdout.write('of b\n');
    end('b');
    expect(await first.finish(quiet)).toEqual([]);
    expect(texts(await next.finish(marked))).toEqual(['stdout: of b']);
  });

  it('say that a sentinel is missing, and keep the lines so far', async () => {
    const { stdout, stderr, streams } = start();
    const sink = streams.open('a');
    stdout.end('partial');
    stderr.end();
    const log = await sink.finish(marked);
    expect(texts(log)).toEqual(['stdout: partial', `stderr: ${missingSentinelText}`]);
    expect(partialOf(log)).toBe('incomplete');
  });

  it('stop at the limit and say so, while the flood is still being read', async () => {
    const { stdout, streams, end } = start(200);
    const sink = streams.open('a');
    for (let i = 0; i < 5000; i++) stdout.write(`${'x'.repeat(39)}\n`);
    end('a');
    const log = await sink.finish(marked);
    const note =
      'Logs were truncated because the total bytes size exceeds the limit of 200 bytes. Left out: lines 4998, bytes 394842.';
    expect(texts(log)).toEqual([
      ...[`stdout: ${'x'.repeat(39)}`, `stdout: ${'x'.repeat(39)}`],
      `stderr: ${note}`,
    ]);
    expect(partialOf(log)).toBe('cut');
    // A function can write such a line itself.
    const whole = streams.open('b');
    stdout.write(`${note}\n`);
    end('b');
    expect(partialOf(await whole.finish(marked))).toBeUndefined();
    expect(stdout.readableLength).toBe(0);
  });

  it('count both streams against one limit', async () => {
    const { stdout, stderr, streams, end } = start(180);
    const sink = streams.open('a');
    stdout.write(`${'x'.repeat(59)}\n`);
    stderr.write(`${'y'.repeat(59)}\n`);
    end('a');
    expect(texts(await sink.finish(marked))).toEqual([
      `stdout: ${'x'.repeat(59)}`,
      'stderr: Logs were truncated because the total bytes size exceeds the limit of 180 bytes. Left out: lines 1, bytes 99.',
    ]);
  });

  it('keep nothing with a limit of 0', async () => {
    const { stdout, streams, end } = start(0);
    const sink = streams.open('a');
    stdout.write('hello\n');
    end('a');
    expect(await sink.finish(marked)).toEqual([]);
  });

  it('of a flood are packed, in time order, and their cut is counted exactly', async () => {
    const { stdout, stderr, streams, end } = start(500_000);
    const sink = streams.open('a');
    for (let i = 0; i < 40; i++) {
      stdout.write(`${i} out "\\ü\n`.repeat(400));
      stderr.write(`${i} err\n`);
    }
    stderr.write('y\n'.repeat(10_000));
    end('a');
    const log = await sink.finish(marked);
    expect(isLongLog(log) && log.parts.filter(Buffer.isBuffer).length).toBeGreaterThan(20);
    const lines = texts(log);
    expect(lines.slice(0, 402)).toEqual([
      ...Array.from({ length: 400 }, () => 'stdout: 0 out "\\ü'),
      'stderr: 0 err',
      'stdout: 1 out "\\ü',
    ]);
    const bytes = linesOf(log).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    const left = 40 * 401 + 10_000 - (lines.length - 1);
    expect(lines.at(-1)).toContain(`Left out: lines ${left}, bytes `);
    expect(bytes - Buffer.byteLength(linesOf(log).at(-1) ?? '') - 1).toBeGreaterThan(500_000 - 52);
  });

  it('cut a line that never ends', async () => {
    const { stdout, streams, end } = start(1_000_000);
    const sink = streams.open('a');
    for (let i = 0; i < 3; i++) stdout.write(Buffer.alloc(64 * 1024, 'x'));
    stdout.write('\n');
    end('a');
    expect(linesOf(await sink.finish(marked))).toHaveLength(4);
  });

  it('give unmarked lines to every concurrent run', async () => {
    const { stdout, streams, end } = start(1000, true);
    const first = streams.open('a');
    const second = streams.open('b');
    stdout.write('shared\n');
    end('a');
    const firstLines = await first.finish(marked);
    stdout.write('rest\n');
    end('b');
    expect(texts(firstLines)).toEqual(['stdout: shared']);
    expect(texts(await second.finish(marked))).toEqual(['stdout: shared', 'stdout: rest']);
  });

  it('give a marked line and the rest of a cut one only to its run, and to none if that has ended', async () => {
    const { stdout, stderr, streams, end } = start(1_000_000, true);
    const [first, second] = [streams.open('a'), streams.open('b')];
    const long = 'x'.repeat(65 * 1024);
    stdout.write(`${lineMark} a one\n${lineMark} b two\n${lineMark} nobody three\n${lineMark} b ${long}`);
    stdout.write('y\nfour\n');
    stderr.write(`${lineMark} a\n`);
    end('a');
    stdout.write(`${lineMark} a late\n`);
    end('b');
    expect(texts(await first.finish(marked))).toEqual([
      'stdout: one',
      'stdout: four',
      `stderr: ${lineMark} a`,
    ]);
    const lines = texts(await second.finish(marked));
    expect(lines.slice(0, 3)).toEqual(['stdout: two', `stdout: ${long}`, 'stdout: y']);
  });

  it('give late lines of an initialisation only to the initialisation', async () => {
    const { stdout, streams, end } = start(1000, true);
    const init = streams.open('init');
    init.carry(marked);
    const [first, second] = [streams.open('a'), streams.open('b')];
    stdout.write('loading\n');
    end('init');
    end('a');
    end('b');
    expect(texts(await first.finish(marked))).toEqual(['stdout: loading']);
    expect(texts(await second.finish(marked))).toEqual([]);
  });

  it('begin with earlier output, and are cut together with it', async () => {
    const { stdout, stderr, streams, end } = start(200);
    const init = streams.open('init');
    stdout.write('loading\n');
    end('init');
    init.carry(marked);
    const [first, second] = [streams.open('a'), streams.open('b')];
    for (let i = 0; i < 5; i++) stderr.write('x\n');
    end('a');
    stdout.write('b\n');
    end('b');
    expect(texts(await first.finish(marked))).toEqual([
      'stdout: loading',
      'stderr: x',
      'stderr: x',
      'stderr: x',
      'stderr: Logs were truncated because the total bytes size exceeds the limit of 200 bytes. Left out: lines 2, bytes 82.',
    ]);
    expect(texts(await second.finish(marked))).toEqual(['stdout: b']);
  });

  it('say that a sentinel of the earlier output is missing', async () => {
    const { stdout, stderr, streams } = start();
    const init = streams.open('init');
    stdout.end('loading');
    stderr.end();
    init.carry(marked);
    const sink = streams.open('a');
    expect(texts(await sink.finish(quiet))).toEqual(['stdout: loading', `stderr: ${missingSentinelText}`]);
  });

  it('count exactly what is cut from two streams, in either order', async () => {
    const { stdout, stderr, streams, end } = start(300);
    const sink = streams.open('a');
    for (let i = 0; i < 10; i++) {
      stdout.write('out\n');
      stderr.write('err\r\n');
    }
    end('a');
    const lines = linesOf(await sink.finish(marked));
    // Each of the twenty is 39 bytes of time and stream, three of text and its end.
    expect(lines.slice(0, -1)).toHaveLength(6);
    expect(lines.at(-1)).toContain(`of 300 bytes. Left out: lines 14, bytes ${14 * 43}.`);
  });
});

describe('unmarked lines of concurrent runs', () => {
  const names = ['a', 'b', 'c'];
  const chunks = [
    `one\r\ntwo\n${lineMark} b of b\nthree\n${lineMark} a of a\n${'\n'.repeat(100)}`,
    'x\n'.repeat(700),
    `half${'y'.repeat(70_000)}`,
    `rest\n${'"ü"\n'.repeat(300)}`,
  ];

  /** Writes the chunks, and opens a run before each of the first three. */
  async function logsOf(ids: readonly string[], limitBytes: number) {
    const { stdout, streams, end } = start(limitBytes, true);
    const seen: string[][] = [];
    const logs: Promise<ActivationLog>[] = [];
    chunks.forEach((chunk, at) => {
      const id = names[at] ?? '';
      const sink = ids.includes(id) ? streams.open(id) : undefined;
      if (sink) {
        const lines: string[] = [];
        seen.push(lines);
        streams.follow(id, { add: (line) => void lines.push(line.slice(31)), skip() {} });
        logs.push(Promise.resolve().then(() => sink.finish(marked)));
      }
      stdout.write(chunk);
    });
    for (const id of ids) end(id);
    return { logs: await Promise.all(logs), seen };
  }

  it.each([0, 100, 3000, 25_000, 70_000, 100_000, 10_000_000])(
    'are the same in each as in a run that is alone, with a limit of %s bytes',
    async (limitBytes) => {
      const shared = await logsOf(names, limitBytes);
      expect(shared.logs).toHaveLength(3);
      for (const [at, id] of names.entries()) {
        const alone = await logsOf([id], limitBytes);
        const log = shared.logs[at] ?? [];
        expect(texts(log)).toEqual(alone.logs.map(texts)[0]);
        expect(partialOf(log)).toBe(alone.logs.map(partialOf)[0]);
        expect(shared.seen[at]).toEqual(alone.seen[0]);
      }
    },
  );

  it('are formatted once, however many runs get them', async () => {
    const { stdout, streams, end } = start(10_000_000, true);
    const ids = Array.from({ length: 100 }, (_, at) => `run${at}`);
    const sinks = ids.map((id) => streams.open(id));
    const add = vi.spyOn(Lines.prototype, 'add');
    onTestFinished(() => add.mockRestore());
    stdout.write('\n'.repeat(64 * 1024));
    expect(add).toHaveBeenCalledTimes(64 * 1024);
    for (const id of ids) end(id);
    for (const sink of sinks) expect(linesOf(await sink.finish(marked))).toHaveLength(64 * 1024);
  });

  it('are not even formatted when no run can keep them', () => {
    const { stdout, streams } = start(1000, true);
    for (const id of names) streams.open(id);
    const toText = vi.spyOn(Buffer.prototype, 'toString');
    onTestFinished(() => toText.mockRestore());
    stdout.write('\n'.repeat(64 * 1024));
    expect(toText.mock.calls.length).toBeLessThan(100);
  });

  it('are in no packed part that a receiver takes over and another run has, too', async () => {
    const { logs } = await logsOf(names, 10_000_000);
    const parts = logs.flatMap((log) =>
      isLongLog(log) ? log.parts.filter((part) => Buffer.isBuffer(part)) : [],
    );
    expect(parts.length).toBeGreaterThan(3);
    const own = parts.filter(({ length, buffer }) => length === buffer.byteLength);
    expect(new Set(own.map(({ buffer }) => buffer)).size).toBe(own.length);
  });
});

describe('logs that end with a bare sentinel', () => {
  const bare = (limitBytes = 1000, isConcurrent = false) => {
    const started = start(limitBytes, isConcurrent, 'bare');
    const { stdout, stderr } = started;
    const end = () => {
      stdout.write(`${sentinel}\n`);
      stderr.write(`${sentinel}\r\n`);
    };
    return { ...started, end };
  };

  it('belong to the oldest activation without one, even if the next has begun', async () => {
    const { stdout, streams, end } = bare();
    const first = streams.open('a');
    stdout.write('a1\n');
    const firstLines = first.finish(marked);
    const second = streams.open('b');
    stdout.write('a2\n');
    end();
    stdout.write('b1\n');
    end();
    expect(texts(await firstLines)).toEqual(['stdout: a1', 'stdout: a2']);
    expect(texts(await second.finish(marked))).toEqual(['stdout: b1']);
  });

  it('keep output before the first activation and between two', async () => {
    const { stdout, streams, end } = bare();
    stdout.write('listening\n');
    const init = streams.open('init');
    expect(texts(await init.finish(quiet))).toEqual(['stdout: listening']);
    stdout.write('idle\n');
    const sink = streams.open('a');
    end();
    expect(texts(await sink.finish(marked))).toEqual(['stdout: idle']);
    stdout.write(`half${sentinel}\n`);
    const next = streams.open('b');
    end();
    expect(texts(await next.finish(marked))).toEqual(['stdout: half']);
  });

  it('of an image that writes none are awaited once, then only briefly, without a complaint', async () => {
    vi.useFakeTimers();
    try {
      const { stdout, streams } = bare();
      const first = streams.open('a');
      stdout.write('a1\n');
      const firstLines = first.finish(marked);
      await vi.advanceTimersByTimeAsync(1000);
      expect(texts(await firstLines)).toEqual(['stdout: a1']);
      const second = streams.open('b');
      stdout.write('b1\n');
      const secondLines = second.finish(marked);
      await vi.advanceTimersByTimeAsync(20);
      expect(texts(await secondLines)).toEqual(['stdout: b1']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('give each of three activations in a row its own lines without any sentinel', async () => {
    const { stdout, streams } = bare();
    const lines = ['a', 'b', 'c'].map((id) => {
      const sink = streams.open(id);
      stdout.write(`${id}\n`);
      return sink.finish(marked);
    });
    expect((await Promise.all(lines)).map(texts)).toEqual([['stdout: a'], ['stdout: b'], ['stdout: c']]);
  });

  it.each([
    ['it failed', { isQuiet: false, hasFailed: true }, false],
    ['another had one', marked, true],
  ])('report a missing sentinel when %s', async (_why, how, isMarked) => {
    const { stdout, stderr, streams, end } = bare();
    if (isMarked) end();
    const sink = streams.open('a');
    stdout.end('partial');
    stderr.end();
    expect(texts(await sink.finish(how))).toEqual(['stdout: partial', `stderr: ${missingSentinelText}`]);
  });

  it('give lines to every concurrent run, without sentinels', async () => {
    const { stdout, streams, end } = bare(1000, true);
    const [first, second] = [streams.open('a'), streams.open('b')];
    stdout.write('shared\n');
    end();
    expect(texts(await first.finish(marked))).toEqual(['stdout: shared']);
    stdout.write('rest\n');
    expect(texts(await second.finish(marked))).toEqual(['stdout: shared', 'stdout: rest']);
  });
});

describe('following a log', () => {
  const writeTo = (seen: string[], onSkip = (_lines: number) => {}): LogFollower => ({
    add: (line) => void seen.push(line.slice(31)),
    skip: onSkip,
  });
  const followed = (streams: LogStreams, id: string) => {
    const seen: string[] = [];
    const following = streams.follow(id, writeTo(seen));
    return { seen, following };
  };

  it('shows the lines so far, then each new line, and none after the end', async () => {
    const { stdout, stderr, streams } = start();
    streams.open('a');
    stdout.write('one\n');
    stderr.write('two\n');
    const { seen, following } = followed(streams, 'a');
    expect(seen).toEqual(['stdout: one', 'stderr: two']);
    stdout.write('three\nfo');
    expect(seen.slice(2)).toEqual(['stdout: three']);
    following?.[Symbol.dispose]();
    stdout.write('ur\n');
    expect(seen).toHaveLength(3);
  });

  it('shows earlier output, unless that was followed too', async () => {
    const { stdout, streams, end } = start();
    const init = streams.open('init');
    stdout.write('loading\n');
    end('init');
    init.carry(marked);
    const sink = streams.open('a');
    await Promise.resolve();
    await Promise.resolve();
    const all = followed(streams, 'a');
    const rest: string[] = [];
    streams.follow('a', writeTo(rest), true);
    stdout.write('one\n');
    end('a');
    await sink.finish(marked);
    expect(all.seen).toEqual(['stdout: loading', 'stdout: one']);
    expect(rest).toEqual(['stdout: one']);
  });

  it('is not possible for an activation that is not open', async () => {
    const { streams, end } = start();
    expect(streams.follow('a', writeTo([]))).toBeUndefined();
    const sink = streams.open('a');
    end('a');
    await sink.finish(marked);
    expect(streams.follow('a', writeTo([]))).toBeUndefined();
  });

  it('shows the notes at the end of the record', async () => {
    const { stdout, stderr, streams } = start(100);
    const sink = streams.open('a');
    const { seen } = followed(streams, 'a');
    stdout.write('kept\n');
    stdout.end('x'.repeat(200));
    stderr.end();
    expect(texts(await sink.finish(marked))).toEqual(seen);
    expect(seen).toEqual([
      'stdout: kept',
      expect.stringContaining('Left out: lines 1, bytes 240.'),
      `stderr: ${missingSentinelText}`,
    ]);
  });

  it('begins with the run’s own lines if it was handed over early', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open('a');
    streams.open('b');
    const { seen } = followed(streams, 'b');
    stdout.write('of a\n');
    end('a');
    stdout.write('of b, not known yet\n');
    await first.finish(marked);
    stdout.write('of b\n');
    expect(seen).toEqual(['stdout: of b, not known yet', 'stdout: of b']);
  });

  it('shows only the end of a long log, and says so', () => {
    const { stdout, streams } = start(1_000_000);
    streams.open('a');
    stdout.write('x\n'.repeat(1500));
    const [seen, skipped]: [string[], number[]] = [[], []];
    streams.follow(
      'a',
      writeTo(seen, (lines) => skipped.push(lines)),
    );
    expect(seen).toHaveLength(1000);
    expect(skipped).toEqual([500]);
  });

  it('without reading disturbs neither the log nor other followers', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    streams.follow('a', new LiveLog(() => {}));
    const { seen } = followed(streams, 'a');
    stdout.write('one\n');
    stdout.write('two\n');
    end('a');
    expect(texts(await sink.finish(marked))).toEqual(seen);
  });

  it('with a bare sentinel shows each run its own lines', () => {
    const { stdout, streams } = start(1000, false, 'bare');
    void streams.open('a').finish(marked);
    streams.open('b');
    const { seen } = followed(streams, 'b');
    stdout.write('of b\n');
    expect(seen).toEqual(['stdout: of b']);
  });
});
