/** What a sandbox sends: frames on its channel, and HTTP from a user's own image. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { encodeFrame } from '../../../src/invoker/channel/frames.ts';
import { createIntakes } from '../../../src/invoker/channel/intake.ts';
import { createActionHttp } from '../../../src/invoker/runner/action-http.ts';
import { initOutcome, runOutcome } from '../../../src/invoker/runner/action-replies.ts';
import { RunnerProcess } from '../../../src/invoker/runner/runner-process.ts';
import type { JsonValue } from '../../../src/lib/index.ts';
import type { Sandbox, SandboxExit } from '../../../src/sandbox/index.ts';
import { mutatedBytes, mutatedJson, shownBytes } from '../hostile.ts';
import type { Part, Probe } from '../types.ts';

const id = 'c0ffee00c0ffee00c0ffee00c0ffee00';
/** A run that is sent early, behind it. */
const early = 'deca0f00deca0f00deca0f00deca0f00';
const ready: JsonValue = { type: 'ready' };
const answers: readonly JsonValue[] = [
  ready,
  { type: 'init-ok', quiet: true },
  { type: 'init-error', error: 'no main' },
  { type: 'result', id, ok: true, value: { a: 1 }, quiet: true },
  { type: 'result', id, ok: true, value: [1], late: true },
  { type: 'result', id, ok: false, error: 'boom' },
  { type: 'init-ok', quiet: true, concurrent: true },
  { type: 'result', next: early, id, ok: true, value: {}, quiet: true },
  { type: 'begun', id: early },
  { type: 'result', id: early, ok: true, value: {} },
];
const whole = answers.map((each) => encodeFrame(JSON.stringify(each)));
/** Frames up to init, up to the run and up to the early run, so that the next frame meets each state. */
const beginnings = [[], whole.slice(0, 1), whole.slice(0, 2), [...whole.slice(0, 2), ...whole.slice(3, 4)]];

const frame = fc.oneof(
  { weight: 40, arbitrary: mutatedJson(answers).map((value) => encodeFrame(JSON.stringify(value))) },
  { weight: 30, arbitrary: mutatedBytes(whole) },
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 10, arbitrary: fc.constantFrom(0, 1, 2 ** 28, 2 ** 28 + 1, 2 ** 32 - 1).map(announcing) },
  { weight: 1, arbitrary: mutatedBytes([largeFrame()]) },
);

const framesProbe: fc.Arbitrary<Probe> = fc
  .record({
    beginning: fc.constantFrom(...beginnings),
    frames: fc.array(frame, { maxLength: 5 }),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
    isConcurrent: fc.boolean(),
  })
  .map(({ beginning, frames, pieceBytes, isConcurrent }) => {
    const bytes = Buffer.concat([...beginning, ...frames]);
    return {
      target: 'channel',
      shown: shownBytes(bytes),
      run: () => talk(bytes, bytes.length > 100_000 ? 65_536 : pieceBytes, isConcurrent),
    };
  });

function announcing(bytes: number): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes, 0);
  return header;
}

function largeFrame(): Buffer {
  return encodeFrame(JSON.stringify({ type: 'result', id, ok: true, value: { a: 'x'.repeat(5_000_000) } }));
}

/** Settles every promise that the host has for the runner, for any bytes. */
async function talk(bytes: Buffer, pieceBytes: number, isConcurrent: boolean): Promise<void> {
  const fake = fakeSandbox();
  const runner = new RunnerProcess(fake.sandbox, createIntakes({ onRelease() {} }));
  const limits = { timeoutMs: 60_000, memoryMiB: 256, logBytes: 1000, concurrency: isConcurrent ? 2 : 1 };
  const life = (async () => {
    if ((await runner.ready(60_000)) !== undefined) return;
    const init = await runner.init({ name: 'a', main: 'main', binary: false, env: {} }, limits);
    if (init.outcome.kind !== 'ok') return;
    await Promise.all([id, early].map((each) => runner.run({ id: each, value: {}, env: {} }, limits)));
  })();
  for (let at = 0; at < bytes.length && !runner.isEnded; at += pieceBytes) {
    fake.say(bytes.subarray(at, at + pieceBytes));
    await new Promise(setImmediate);
  }
  fake.hangUp();
  await life;
  await runner.end('ended');
  if (!fake.isDestroyed()) throw new Error('the sandbox was left running');
}

function fakeSandbox() {
  const exited = Promise.withResolvers<SandboxExit>();
  const channel = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let isDestroyed = false;
  const destroy = async () => {
    isDestroyed = true;
    stdout.end();
    stderr.end();
    exited.resolve({
      code: null,
      signal: 'SIGKILL',
      outOfMemory: false,
      seccompKill: false,
      killed: true,
      runtimeError: '',
    });
  };
  const nothing = async () => {};
  const sandbox: Sandbox = {
    ...{ id: 'fuzz', stdin, stdout, stderr, channel, exited: exited.promise, destroy },
    ...{ freeze: nothing, thaw: nothing, examine() {}, [Symbol.asyncDispose]: destroy },
    usage: async () => ({
      memoryBytes: 0,
      memoryPeakBytes: 0,
      cpuUsec: 0,
      pids: 0,
      oomKills: 0,
      refusedForks: 0,
    }),
    cpuUsec: () => 0,
    standBack() {},
    openPort: () => ({ connect: () => Promise.reject(new Error('none')) }),
    servePort: () => ({ ready: Promise.reject(new Error('none')) }),
  };
  return {
    sandbox,
    say: (piece: Buffer) => channel.push(piece),
    hangUp() {
      channel.push(null);
      // As if a process closes its channel and goes on to its end.
      void destroy();
    },
    isDestroyed: () => isDestroyed,
  };
}

const replies = [
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n',
  'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"error":"x"}',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
  `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
  `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\n1\r\n'.repeat(1200)}0\r\n\r\n`,
].map((each) => Buffer.from(each));

/** A server that answers each request with the given bytes, and hangs up. */
async function openProgram() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-fuzz-http-'));
  const path = join(folder, 'socket');
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  server.listen(path);
  await once(server, 'listening');
  const ask = async (bytes: Buffer): Promise<void> => {
    answer = bytes;
    const http = createActionHttp(async () => connect(path));
    try {
      const reply = await http.post('/run', '{}');
      if (reply === undefined) return;
      runOutcome(reply);
      initOutcome(reply);
    } finally {
      http.rest();
    }
  };
  return {
    ask,
    async [Symbol.asyncDispose]() {
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

export const channel: Part = {
  name: 'channel',
  share: 16_000,
  needsSandboxes: false,
  async open() {
    const program = await openProgram();
    const http = mutatedBytes(replies).map(
      (bytes): Probe => ({
        target: 'HTTP of an image',
        shown: shownBytes(bytes),
        run: () => program.ask(bytes),
      }),
    );
    return {
      probes: fc.oneof({ weight: 5, arbitrary: framesProbe }, { weight: 1, arbitrary: http }),
      lanes: 1,
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  },
};
