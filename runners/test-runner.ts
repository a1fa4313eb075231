/**
 * The host's side of the channel, for tests. Starts a real runner as a child process, with its code in a folder of its
 * own, and exchanges frames with it. Keeps what it reads in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';

export type Message = Record<string, unknown>;

export interface RunnerOptions {
  /** Content of each file, by its path in the code folder. */
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly main?: string;
  readonly binary?: boolean;
  readonly env?: Readonly<Record<string, unknown>>;
}

export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const namedSentinel = new RegExp(`${sentinel} \\S+\\n`, 'g');

/** The languages whose runners can run with this machine's interpreters. */
export type TestLanguage = 'nodejs' | 'python' | 'native' | 'go';

/** Whether this machine has the Python that the runners need. */
export const hasPython = existsSync('/usr/bin/python3.13');

const here = import.meta.dirname;

/** The command by which a runtime image starts the runner of `language`, with this machine's interpreter. */
function commandOf(language: TestLanguage): string[] {
  const { argv } = JSON.parse(readFileSync(join(here, language, 'entrypoint.json'), 'utf8'));
  // The image for Go has the runner for native programs and an entry point of its own.
  const folder = join(here, language === 'go' ? 'native' : language);
  return argv.map((part: string) =>
    part === '/usr/bin/node' ? process.execPath : part.replace(/^\/ward/u, folder),
  );
}

export class TestRunner implements AsyncDisposable {
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string | null>;
  /** The logs as the runner wrote them. */
  readonly raw: { readonly stdout: Promise<string>; readonly stderr: Promise<string> };
  /** The logs with a sentinel for each answer, also for quiet ones, which have none. */
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #received: Message[] = [];
  readonly #waiting: ((message: Message | undefined) => void)[] = [];
  readonly #options: RunnerOptions;
  #pending = Buffer.alloc(0);

  constructor(language: TestLanguage, options: RunnerOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), `ward-${language}-`));
    for (const [path, content] of Object.entries(options.files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content, { mode: 0o755 });
    }
    const [program = '', ...args] = commandOf(language);
    const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8' };
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe'] as const;
    this.#child = spawn(program, [...args, this.folder], { cwd: tmpdir(), env, stdio: [...stdio] });
    const { stdout, stderr, stdio: streams } = this.#child;
    const channel = streams[3];
    if (!stdout || !stderr || !(channel instanceof Duplex)) throw new TypeError('the child has no pipes');
    this.#channel = channel;
    this.raw = { stdout: text(stdout), stderr: text(stderr) };
    this.stdout = this.raw.stdout.then((stream) => this.#withAllSentinels(stream));
    this.stderr = this.raw.stderr.then((stream) => this.#withAllSentinels(stream));
    channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    channel.on('error', () => undefined);
    channel.on('close', () => {
      for (const settle of this.#waiting.splice(0)) settle(undefined);
    });
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => resolve(code ?? signal));
    });
  }

  /** For each answer, whether it was `quiet`: nothing was logged. */
  readonly quiet: boolean[] = [];
  /** For each result, whether it was `late`. */
  readonly late: boolean[] = [];
  /** For each result, the early run that it announced as `next`. */
  readonly announced: unknown[] = [];

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next message, or undefined when the channel has closed. */
  next(): Promise<Message | undefined> {
    const message = this.#received.shift();
    if (message || this.#channel.closed) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Awaits `ready` and initialises. Returns the runner's answer. */
  async init(): Promise<Message | undefined> {
    const ready = await this.next();
    if (ready?.['type'] !== 'ready') throw new Error(`not ready: ${JSON.stringify(ready)}`);
    const { main = 'main', binary = false, env = {} } = this.#options;
    this.send({ type: 'init', name: 'test', main, binary, env });
    return this.next();
  }

  async run(value: unknown = {}, env: Message = {}, id = 'a1'): Promise<Message | undefined> {
    this.send({ type: 'run', id, value, env });
    return this.next();
  }

  send(message: Message): void {
    this.write(encode(message));
  }

  write(bytes: Buffer): void {
    this.#channel.write(bytes);
  }

  /** Closes the channel, as a host does, and waits for the end. Returns the logs. */
  async close(): Promise<{ exit: number | string | null; stdout: string; stderr: string }> {
    this.#channel.end();
    const [exit, stdout, stderr] = await Promise.all([this.exited, this.stdout, this.stderr]);
    return { exit, stdout, stderr };
  }

  #withAllSentinels(stream: string): string {
    const written = logsOf(stream.replaceAll(namedSentinel, `${sentinel}\n`));
    const answers = this.quiet.map((isQuiet) => `${isQuiet ? '' : (written.shift() ?? '')}${sentinel}\n`);
    return [...answers, written.join(`${sentinel}\n`)].join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #receive(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 4) {
      const end = 4 + this.#pending.readUInt32BE(0);
      if (this.#pending.length < end) return;
      const { quiet, late, next, ...message }: Message = JSON.parse(this.#pending.toString('utf8', 4, end));
      this.#pending = this.#pending.subarray(end);
      if (message['type'] !== 'ready') this.quiet.push(quiet === true);
      if (message['type'] === 'result') {
        this.late.push(late === true);
        this.announced.push(next);
      }
      const settle = this.#waiting.shift();
      if (settle) settle(message);
      else this.#received.push(message);
    }
  }
}

/** A Node.js runner with a single source file. */
export function nodeText(code: string, rest: Partial<RunnerOptions> = {}): TestRunner {
  return new TestRunner('nodejs', { files: { 'index.js': code }, ...rest });
}

/** A Node.js runner with an unpacked zip. */
export function nodeZip(files: RunnerOptions['files'], main = 'main'): TestRunner {
  return new TestRunner('nodejs', { files, main, binary: true });
}

/** A Python runner with a single source file. */
export function pythonText(code: string, rest: Partial<RunnerOptions> = {}): TestRunner {
  return new TestRunner('python', { files: { '__main__.py': code }, ...rest });
}

/** A runner with a program that is a script. */
export function nativeText(code: string, rest: Partial<RunnerOptions> = {}): TestRunner {
  return new TestRunner('native', { files: { exec: code }, ...rest });
}

/** The answer to `run()` with a result. */
export function ok(value: unknown): Message {
  return { type: 'result', id: 'a1', ok: true, value };
}

/** The answer to `run()` with a developer error. */
export function refused(error: unknown): Message {
  return { type: 'result', id: 'a1', ok: false, error };
}

/** Encodes a frame. A run counts as sent now unless it has its own `sent`. */
export function encode(message: Message): Buffer {
  const isRun = message['type'] === 'run';
  const body = Buffer.from(JSON.stringify(isRun ? { sent: Date.now(), ...message } : message));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** The log of each answer in turn: the text before its sentinel. */
export function logsOf(stream: string): string[] {
  return stream.split(`${sentinel}\n`);
}

/**
 * Expects of an idle runner that a run which waited before it was read is late, and voids the early run behind it. A
 * run that was sent early long after the answer before it is late too.
 */
export async function expectLateWhereItWaited(runner: TestRunner): Promise<void> {
  const send = (id: string, rest: object) =>
    runner.send({ type: 'run', id, after: 0, value: {}, env: {}, ...rest });
  send('waited', { sent: Date.now() - 1000 });
  expect(await runner.next()).toMatchObject({ id: 'waited' });
  send('void', { early: true });
  send('good', { after: 1 });
  expect(await runner.next()).toMatchObject({ id: 'good' });
  // The time of an early run counts from the answer before.
  await new Promise((resolve) => setTimeout(resolve, 25));
  send('early', { after: 1, early: true });
  expect(await runner.next()).toEqual({ type: 'begun', id: 'early' });
  expect(await runner.next()).toMatchObject({ id: 'early' });
  expect(runner.late).toEqual([true, false, true]);
}
