/** The servers of images that were made from a function's folder, each with this machine's interpreter. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hasPython, sentinel } from './test-runner.ts';

type Language = 'nodejs' | 'python';
type Files = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

class TestServer implements AsyncDisposable {
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly exited: Promise<number | null>;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(language: Language, files: Files, port: number) {
    this.#port = port;
    this.#folder = mkdtempSync(join(tmpdir(), `ward-http-${language}-`));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.#folder, path)), { recursive: true });
      writeFileSync(join(this.#folder, path), content);
    }
    const here = import.meta.dirname;
    const { argv } = JSON.parse(readFileSync(join(here, 'http', language, 'entrypoint.json'), 'utf8'));
    const [program = '', ...args]: string[] = argv.map((part: string) =>
      part === '/usr/bin/node' ? process.execPath : part.replace(/^\/ward/, here),
    );
    const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8' };
    this.#child = spawn(program, [...args, this.#folder, String(port)], { cwd: tmpdir(), env });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new TypeError('the child has no pipes');
    this.stdout = text(stdout);
    this.stderr = text(stderr);
    this.exited = new Promise((done) => this.#child.on('close', done));
  }

  static async start(language: Language, files: Files): Promise<TestServer> {
    const server = new TestServer(language, files, await freePort());
    while (!(await server.#isOpen())) await pause(10);
    return server;
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const url = `http://127.0.0.1:${this.#port}${path}`;
    const content = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await fetch(url, { method: 'POST', body: content });
    const said = await reply.text();
    return { status: reply.status, body: said === '' ? undefined : JSON.parse(said) };
  }

  init(value: object = {}): Promise<Answer> {
    return this.post('/init', { value: { name: 'test', main: 'main', binary: false, ...value } });
  }

  run(value: object = {}, fields: object = {}): Promise<Answer> {
    return this.post('/run', { value, ...fields });
  }

  /** All of what it answers to these bytes on one connection, up to its end. */
  async exchange(parts: readonly string[]): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1');
    const said = text(socket);
    for (const part of parts) await new Promise((done) => socket.write(part, done));
    socket.end();
    return said;
  }

  /** Ends it; what it has written. */
  async end(): Promise<{ readonly stdout: string; readonly stderr: string }> {
    this.#child.kill('SIGTERM');
    const [stdout, stderr] = await Promise.all([this.stdout, this.stderr, this.exited]);
    return { stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #isOpen(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error('the server has ended');
    return new Promise((done) => {
      const socket = connect(this.#port, '127.0.0.1');
      socket.once('connect', () => done(true)).once('error', () => done(false));
      socket.once('connect', () => socket.destroy());
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

interface Program {
  readonly language: Language;
  readonly missing: boolean;
  /** The body of a function of `args`, in this language. */
  readonly echo: Files;
  readonly odd: Files;
  readonly broken: Files;
}

const programs: readonly Program[] = [
  {
    language: 'nodejs',
    missing: false,
    echo: {
      'index.js':
        'exports.main = (args) => { console.log("out"); console.error("err"); return { args, env: process.env, cwd: process.cwd() }; };\n' +
        'exports.other = async () => [1];',
    },
    odd: {
      'index.js':
        'exports.main = ({ how }) => ({ throw() { throw new Error("no"); }, text: () => "text", reject: () => Promise.reject("why"), nothing() {} })[how]();',
    },
    broken: { 'index.js': 'throw new Error("at load")' },
  },
  {
    language: 'python',
    missing: !hasPython,
    echo: {
      '__main__.py':
        'import os, sys\ndef main(args):\n  print("out")\n  print("err", file=sys.stderr)\n' +
        '  return {"args": args, "env": dict(os.environ), "cwd": os.getcwd()}\ndef other(args):\n  return [1]\n',
    },
    odd: {
      '__main__.py':
        'def main(args):\n  how = args["how"]\n  if how == "throw":\n    raise ValueError("no")\n  return "text"\n',
    },
    broken: { '__main__.py': 'raise ValueError("at load")' },
  },
];

describe.each(programs)('the server for $language', ({ language, missing, echo, odd, broken }) => {
  describe.skipIf(missing)(missing ? 'needs /usr/bin/python3.13' : 'is there', () => {
    it('is initialised once and run again and again', async () => {
      await using server = await TestServer.start(language, echo);
      expect(await server.run()).toMatchObject({
        status: 403,
        body: { error: expect.stringContaining('uninitialized') },
      });
      expect(await server.init({ env: { SECRET: 'x', EMPTY: null, LIST: [1] } })).toEqual({
        status: 200,
        body: { ok: true },
      });
      expect(await server.init()).toMatchObject({
        status: 403,
        body: { error: expect.stringContaining('more than once') },
      });
      const fields = { namespace: 'guest', action_name: '/guest/a', deadline: '123', api_key: 'u:k' };
      expect(await server.run({ a: 1 }, fields)).toMatchObject({
        status: 200,
        body: {
          args: { a: 1 },
          env: {
            ...{
              SECRET: 'x',
              EMPTY: '',
              LIST: language === 'nodejs' ? '[1]' : expect.stringMatching(/\[1\]/),
            },
            ...{ __OW_NAMESPACE: 'guest', __OW_ACTION_NAME: '/guest/a', __OW_DEADLINE: '123' },
          },
          cwd: expect.stringContaining('ward-http-'),
        },
      });
      expect((await server.run({ b: 2 })).body).toMatchObject({ args: { b: 2 } });
      const { stdout, stderr } = await server.end();
      expect(stdout).toBe(`${sentinel}\n${sentinel}\nout\n${sentinel}\nout\n${sentinel}\n`);
      expect(stderr).toContain(`err\n${sentinel}\nerr\n${sentinel}\n`);
    });

    it('runs the function that the action names', async () => {
      await using server = await TestServer.start(language, echo);
      await server.init({ main: 'other' });
      expect(await server.run()).toEqual({ status: 200, body: [1] });
    });

    it('answers with the function’s errors', async () => {
      await using server = await TestServer.start(language, odd);
      await server.init();
      expect(await server.run({ how: 'throw' })).toEqual(
        language === 'nodejs'
          ? { status: 502, body: { error: 'An error has occurred: Error: no' } }
          : { status: 200, body: { error: 'no' } },
      );
      expect(await server.run({ how: 'text' })).toMatchObject({
        status: 502,
        body: { error: expect.stringContaining('did not return a dictionary') },
      });
      expect((await server.end()).stderr).toContain(language === 'nodejs' ? 'Error: no' : 'ValueError: no');
    });

    it('says why its code can’t be loaded', async () => {
      await using server = await TestServer.start(language, broken);
      expect(await server.init()).toMatchObject({
        status: 502,
        body: { error: expect.stringMatching(/^Initialization has failed due to: .*at load/s) },
      });
      const { stdout, stderr } = await server.end();
      expect(stdout).toBe(`${sentinel}\n`);
      expect(stderr).toContain('at load');
    });

    it('refuses code, because it has its own', async () => {
      await using server = await TestServer.start(language, echo);
      expect(await server.init({ code: 'x' })).toMatchObject({
        status: 502,
        body: { error: expect.stringContaining('has its code in it') },
      });
    });

    it.each(['', '[', '1', 'null'])('refuses %j', async (body) => {
      await using server = await TestServer.start(language, echo);
      expect(await server.post('/run', body)).toMatchObject({ status: 400 });
      expect((await server.post('/other', '{}')).status).toBe(404);
      expect((await server.init()).status).toBe(200);
    });

    it('handles requests in pieces, several on a connection, and beside an idle connection', async () => {
      await using server = await TestServer.start(language, echo);
      const request = (path: string, body: string) =>
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      await server.init();
      const idle = server.exchange(['POST /run HTTP/1.1\r\n']);
      const [first, second] = [1, 2].map((n) => request('/run', `{"value":{"n":${n}}}`));
      const said = await server.exchange([first?.slice(0, 30) ?? '', first?.slice(30) ?? '', second ?? '']);
      expect(said.match(/HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(2);
      expect(said).toMatch(/"n":1.*"n":2/s);
      await idle;
    });
  });
});

describe('the server for nodejs', () => {
  it('returns a rejection as a result, and nothing as an empty object', async () => {
    await using server = await TestServer.start('nodejs', programs[0]?.odd ?? {});
    await server.init();
    expect(await server.run({ how: 'reject' })).toEqual({ status: 200, body: { error: 'why' } });
    expect(await server.run({ how: 'nothing' })).toEqual({ status: 200, body: {} });
  });

  it('reports an exception from a callback, and ends', async () => {
    const code = 'exports.main = () => new Promise(() => setTimeout(() => { throw new Error("late"); }, 1));';
    await using server = await TestServer.start('nodejs', { 'index.js': code });
    await server.init();
    expect(await server.run()).toEqual({
      status: 502,
      body: { error: 'An error has occurred: Error: late' },
    });
    expect(await server.exited).toBe(1);
  });
});

describe.skipIf(!hasPython)('the server for python (needs /usr/bin/python3.13)', () => {
  it.each([
    ['a length that is not a number', 'POST /run HTTP/1.1\r\nContent-Length: x\r\n\r\n', 400],
    ['a length of many digits', `POST /run HTTP/1.1\r\nContent-Length: ${'9'.repeat(5000)}\r\n\r\n`, 413],
    ['no length', 'POST /run HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 411],
    ['a head without an end', 'x'.repeat(20_000), 400],
  ])('closes a connection with %s', async (_, bytes, status) => {
    await using server = await TestServer.start('python', programs[1]?.echo ?? {});
    expect(await server.exchange([bytes])).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await server.init()).status).toBe(200);
  });
});
