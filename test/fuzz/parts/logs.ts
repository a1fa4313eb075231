/** What a sandbox writes to its two streams: lines of any length, forged sentinels, bytes that are not text. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { LiveLog, linesOf } from '../../../src/dispatch/index.ts';
import { lineMark } from '../../../src/invoker/logs/line-owners.ts';
import { LogStreams, sentinel } from '../../../src/invoker/logs/log-streams.ts';
import { hostileText } from '../hostile.ts';
import type { Part, Probe } from '../types.ts';

const ids = ['a1', 'b2'] as const;
const piece: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 3, arbitrary: hostileText.map((text) => Buffer.from(`${text}\n`)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', 'half a line', '\0', '\r'),
        fc.constantFrom(...ids, 'c3', '', ' a1'),
        fc.constantFrom('\n', '\r\n', '', ' \n'),
      )
      .map(([before, id, end]) => Buffer.from(`${before}${sentinel}${id === '' ? '' : ` ${id}`}${end}`)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('', ' '), fc.constantFrom(...ids, 'c3', ''), hostileText)
      .map(([before, id, text]) => Buffer.from(`${before}${lineMark} ${id} ${text}\n`)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('x'.repeat(70_000), '\n'.repeat(5000)).map((text) => Buffer.from(text)),
  },
);

const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err): /;

interface Streams {
  readonly steps: readonly { readonly bytes: Buffer; readonly isError: boolean }[];
  readonly limitBytes: number;
  readonly isConcurrent: boolean;
  readonly form: 'named' | 'bare';
}

async function write({ steps, limitBytes, isConcurrent, form: sentinelForm }: Streams): Promise<void> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const streams = new LogStreams(stdout, stderr, sentinelForm);
  streams.limitBytes = limitBytes;
  streams.isConcurrent = isConcurrent;
  const sinks = ids.map((id) => streams.open(id));
  // No one reads it.
  streams.follow('a1', new LiveLog(() => {}));
  for (const { bytes, isError } of steps) (isError ? stderr : stdout).write(bytes);
  stdout.end();
  stderr.destroy();
  const logs = await Promise.all(sinks.map((sink) => sink.finish({ isQuiet: false })));
  for (const log of logs) checkLines(linesOf(log), limitBytes);
}

function checkLines(lines: readonly string[], limitBytes: number): void {
  const wrong = lines.find((line) => !form.test(line) || line.includes('\n'));
  if (wrong !== undefined) throw new Error(`this line is malformed: ${JSON.stringify(wrong.slice(0, 100))}`);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  // The prefix of a line, and notes at the end, do not count.
  if (bytes > limitBytes * 3 + (lines.length + 2) * 300) throw new Error('the log is longer than its limit');
}

export const logs: Part = {
  name: 'logs',
  share: 8000,
  needsSandboxes: false,
  open: async () => ({
    probes: fc
      .record({
        steps: fc.array(fc.record({ bytes: piece, isError: fc.boolean() }), { maxLength: 12 }),
        limitBytes: fc.constantFrom(0, 1, 100, 10_000, 1_000_000),
        isConcurrent: fc.boolean(),
        form: fc.constantFrom('named', 'bare'),
      })
      .map(
        (streams): Probe => ({
          target: `log of ${streams.form} ends`,
          shown: JSON.stringify({
            ...streams,
            steps: streams.steps.map(({ bytes }) => bytes.toString('latin1').slice(0, 100)),
          }),
          run: () => write(streams),
        }),
      ),
    lanes: 1,
    async [Symbol.asyncDispose]() {},
  }),
};
