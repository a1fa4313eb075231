import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LogStreams, missingSentinelText, sentinel } from './log-streams.ts';

function start(limitBytes = 1000, isConcurrent = false) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const streams = new LogStreams(stdout, stderr);
  streams.limitBytes = limitBytes;
  streams.isConcurrent = isConcurrent;
  const end = (id: string) => {
    stdout.write(`${sentinel} ${id}\n`);
    stderr.write(`${sentinel} ${id}\n`);
  };
  return { stdout, stderr, streams, end };
}

const texts = (lines: readonly string[]) => lines.map((line) => line.slice(31));

describe('log streams', () => {
  it("have OpenWhisk's form", async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    stdout.write('hello\n');
    end('a');
    const [line] = await sink.finish(false);
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout: hello$/);
  });

  it('end at the sentinel, which is not shown, and are in the order of time', async () => {
    const { stdout, stderr, streams, end } = start();
    const sink = streams.open('a');
    stdout.write('a\nb');
    stderr.write('oops\n');
    stdout.write('c\r\n');
    end('a');
    stdout.write('after\n');
    expect(texts(await sink.finish(false))).toEqual(['stdout: a', 'stderr: oops', 'stdout: bc']);
  });

  it('wait for a sentinel that comes after the answer', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    const lines = sink.finish(false);
    stdout.write('late\n');
    end('a');
    expect(texts(await lines)).toEqual(['stdout: late']);
  });

  it('are those of the activation that the sentinel names, though later ones have written too', async () => {
    const { stdout, streams, end } = start();
    const sinks = ['a', 'b', 'c'].map((id) => streams.open(id));
    stdout.write(`1\n${sentinel} a\n2\n${sentinel} b\n3\n`);
    end('c');
    const lines = sinks.map((sink) => sink.finish(false));
    end('a');
    end('b');
    expect((await Promise.all(lines)).map(texts)).toEqual([['stdout: 1'], ['stdout: 2'], ['stdout: 3']]);
  });

  it('take a sentinel of an activation that is not open for a line', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open('a');
    stdout.write(`${sentinel} forged\nx\n`);
    end('a');
    expect(texts(await sink.finish(false))).toEqual([`stdout: ${sentinel} forged`, 'stdout: x']);
  });

  it('end at a sentinel that half a line stands in front of', async () => {
    const { stdout, stderr, streams } = start();
    const sink = streams.open('a');
    stdout.write(`one\nhalf${sentinel} a\n`);
    stderr.write(`${sentinel} a\n`);
    expect(texts(await sink.finish(false))).toEqual(['stdout: one']);
  });

  it('need no sentinel when the runner says that it wrote nothing', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open('a');
    stdout.write('past the runner\n');
    expect(texts(await first.finish(true))).toEqual(['stdout: past the runner']);
    const second = streams.open('b');
    stdout.write('second\n');
    end('b');
    expect(texts(await second.finish(false))).toEqual(['stdout: second']);
  });

  it('leave to the next what it has written already when a quiet one ends', async () => {
    const { stdout, streams, end } = start();
    const quiet = streams.open('a');
    const next = streams.open('b');
    stdout.write('of b\n');
    end('b');
    expect(await quiet.finish(true)).toEqual([]);
    expect(texts(await next.finish(false))).toEqual(['stdout: of b']);
  });

  it('say so when a sentinel is missing, and keep what there is', async () => {
    const { stdout, stderr, streams } = start();
    const sink = streams.open('a');
    stdout.end('partial');
    stderr.end();
    expect(texts(await sink.finish(false))).toEqual(['stdout: partial', `stderr: ${missingSentinelText}`]);
  });

  it('stop at the limit and say so, while the flood is still read', async () => {
    const { stdout, streams, end } = start(200);
    const sink = streams.open('a');
    for (let i = 0; i < 5000; i++) stdout.write(`${'x'.repeat(39)}\n`);
    end('a');
    expect(texts(await sink.finish(false))).toEqual([
      `stdout: ${'x'.repeat(39)}`,
      `stdout: ${'x'.repeat(39)}`,
      'stderr: Logs were truncated because the total bytes size exceeds the limit of 200 bytes.',
    ]);
    expect(stdout.readableLength).toBe(0);
  });

  it('count both streams against one limit', async () => {
    const { stdout, stderr, streams, end } = start(180);
    const sink = streams.open('a');
    stdout.write(`${'x'.repeat(59)}\n`);
    stderr.write(`${'y'.repeat(59)}\n`);
    end('a');
    expect(texts(await sink.finish(false))).toEqual([
      `stdout: ${'x'.repeat(59)}`,
      'stderr: Logs were truncated because the total bytes size exceeds the limit of 180 bytes.',
    ]);
  });

  it('keep nothing with a limit of 0', async () => {
    const { stdout, streams, end } = start(0);
    const sink = streams.open('a');
    stdout.write('hello\n');
    end('a');
    expect(await sink.finish(false)).toEqual([]);
  });

  it('cut a line that never ends', async () => {
    const { stdout, streams, end } = start(1_000_000);
    const sink = streams.open('a');
    for (let i = 0; i < 3; i++) stdout.write(Buffer.alloc(64 * 1024, 'x'));
    stdout.write('\n');
    end('a');
    expect(await sink.finish(false)).toHaveLength(4);
  });

  it('give lines of runs at once to each of them', async () => {
    const { stdout, streams, end } = start(1000, true);
    const first = streams.open('a');
    const second = streams.open('b');
    stdout.write('shared\n');
    end('a');
    const firstLines = await first.finish(false);
    stdout.write('rest\n');
    end('b');
    expect(texts(firstLines)).toEqual(['stdout: shared']);
    expect(texts(await second.finish(false))).toEqual(['stdout: shared', 'stdout: rest']);
  });
});
