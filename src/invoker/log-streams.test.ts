import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { missingSentinelText, readLogStreams, sentinel } from './log-streams.ts';

function start() {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const streams = readLogStreams(stdout, stderr);
  const end = () => {
    stdout.write(`${sentinel}\n`);
    stderr.write(`${sentinel}\n`);
  };
  return { stdout, stderr, streams, end };
}

const texts = (lines: readonly string[]) => lines.map((line) => line.slice(31));

describe('log streams', () => {
  it("have OpenWhisk's form", async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open(1000, true);
    stdout.write('hello\n');
    end();
    const [line] = await sink.finish(false, 1000);
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout: hello$/);
  });

  it('end at the sentinel, which is not shown', async () => {
    const { stdout, stderr, streams, end } = start();
    const sink = streams.open(1000, true);
    stdout.write('a\nb');
    stdout.write('c\r\n');
    stderr.write('oops\n');
    end();
    stdout.write('after\n');
    expect(texts(await sink.finish(false, 1000)).toSorted()).toEqual([
      'stderr: oops',
      'stdout: a',
      'stdout: bc',
    ]);
  });

  it('wait for a sentinel that comes after the answer', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open(1000, true);
    const lines = sink.finish(false, 10_000);
    stdout.write('late\n');
    end();
    expect(texts(await lines)).toEqual(['stdout: late']);
  });

  it('give a late line to the activation that wrote it, not to the next', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open(1000, true);
    const firstLines = first.finish(false, 10_000);
    const second = streams.open(1000, true);
    stdout.write('first\n');
    end();
    stdout.write('second\n');
    end();
    expect(texts(await firstLines)).toEqual(['stdout: first']);
    expect(texts(await second.finish(false, 1000))).toEqual(['stdout: second']);
  });

  it('forgive a forged sentinel by the next activation', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open(1000, true);
    stdout.write(`${sentinel}\nhidden\n`);
    end();
    await first.finish(false, 1000);
    const second = streams.open(1000, true);
    stdout.write('second\n');
    end();
    expect(texts(await second.finish(false, 1000))).toEqual(['stdout: second']);
  });

  it('say so when a sentinel is missing, and keep what there is', async () => {
    const { stdout, stderr, streams } = start();
    const sink = streams.open(1000, true);
    stdout.end('partial');
    stderr.end();
    expect(texts(await sink.finish(false, 10_000))).toEqual([
      'stdout: partial',
      `stderr: ${missingSentinelText}`,
    ]);
  });

  it('stop at the limit and say so, while the flood is still read', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open(100, true);
    for (let i = 0; i < 5000; i++) stdout.write(`${'x'.repeat(39)}\n`);
    end();
    expect(texts(await sink.finish(false, 10_000))).toEqual([
      `stdout: ${'x'.repeat(39)}`,
      `stdout: ${'x'.repeat(39)}`,
      'stderr: Logs were truncated because the total bytes size exceeds the limit of 100 bytes.',
    ]);
    expect(stdout.readableLength).toBe(0);
  });

  it('keep nothing with a limit of 0', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open(0, true);
    stdout.write('hello\n');
    end();
    expect(await sink.finish(false, 1000)).toEqual([]);
  });

  it('need no sentinel when the runner says that it wrote nothing', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open(1000, true);
    stdout.write('past the runner\n');
    const firstLines = first.finish(true, 1000);
    const second = streams.open(1000, true);
    expect(texts(await firstLines)).toEqual(['stdout: past the runner']);
    stdout.write('second\n');
    end();
    expect(texts(await second.finish(false, 1000))).toEqual(['stdout: second']);
  });

  it('cut a line that never ends', async () => {
    const { stdout, streams, end } = start();
    const sink = streams.open(1_000_000, true);
    for (let i = 0; i < 3; i++) stdout.write(Buffer.alloc(64 * 1024, 'x'));
    stdout.write('\n');
    end();
    expect(await sink.finish(false, 1000)).toHaveLength(4);
  });

  it('give lines of runs at once to each of them', async () => {
    const { stdout, streams, end } = start();
    const first = streams.open(1000, false);
    const second = streams.open(1000, false);
    stdout.write('shared\n');
    end();
    const firstLines = await first.finish(false, 1000);
    stdout.write('rest\n');
    end();
    expect(texts(firstLines)).toEqual(['stdout: shared']);
    expect(texts(await second.finish(false, 1000))).toEqual(['stdout: shared', 'stdout: rest']);
  });
});
