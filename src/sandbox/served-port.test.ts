/** A port of a sandbox's loopback that leads to the host, on real sandboxes. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomHex, silentLog } from '../lib/index.ts';
import { isIsolated } from './host/isolated.ts';
import { strictPolicy } from './policy.ts';
import { type LocalSandboxHost, openSandboxHost } from './sandbox-host.ts';
import { makeTestRoot, type TestRoot, testNode } from './testing/root.ts';
import type { Sandbox } from './types.ts';

const canTry = isIsolated() && existsSync('/usr/bin/crun');
const port = 3233;

describe.skipIf(!canTry)(`a served port${canTry ? '' : ' (needs Ward’s isolation and crun)'}`, () => {
  let root: TestRoot;
  let runDir: string;
  let host: LocalSandboxHost;
  beforeAll(async () => {
    root = await makeTestRoot();
    runDir = await mkdtemp(join(tmpdir(), 'ward-served-'));
    const instance = `test-${randomHex(4)}`;
    host = await openSandboxHost({ instance, runDir, runtime: 'crun', log: silentLog });
  });
  afterAll(async () => {
    await host?.close();
    await root?.[Symbol.asyncDispose]();
    await rm(runDir, { recursive: true });
  });

  /** Runs JavaScript in a sandbox, a line at a time; `say` is a line of its output. */
  async function startShell(changes = {}) {
    const program =
      'const net = require("node:net"); const say = (t) => process.stdout.write(t + "\\n");' +
      `const connect = (name) => { const s = net.connect(${port}, "127.0.0.1");` +
      'for (const e of ["connect", "end", "close"]) s.on(e, () => say(name + " " + e));' +
      's.on("error", (e) => say(name + " " + e.code)); s.on("data", (d) => say(name + ": " + d)); return s; };' +
      'require("node:readline").createInterface({ input: process.stdin }).on("line", (l) => eval(l)); say("up");';
    const sandbox = await host.start({
      rootDir: root.path,
      args: [testNode, '-e', program],
      env: {},
      cwd: '/',
      policy: { ...strictPolicy, ...changes },
      channel: 'none',
    });
    const lines = createInterface({ input: sandbox.stdout })[Symbol.asyncIterator]();
    const heard: string[] = [];
    const until = async (wanted: string) => {
      while (!heard.includes(wanted)) heard.push(String((await lines.next()).value));
      heard.splice(heard.indexOf(wanted), 1);
    };
    await until('up');
    return { sandbox, until, run: (line: string) => void sandbox.stdin.write(`${line}\n`) };
  }

  function serve(sandbox: Sandbox, connections = 8) {
    const sockets: Socket[] = [];
    let heard = Promise.withResolvers<Socket>();
    const { ready } = sandbox.servePort({
      port,
      connections,
      onConnection(socket) {
        sockets.push(socket);
        heard.resolve(socket);
        heard = Promise.withResolvers();
      },
    });
    return { ready, sockets, next: () => heard.promise };
  }

  const relays = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => commandOf(pid).includes(`${runDir}/`) && commandOf(pid).startsWith('perl'));

  test('carries bytes both ways, without a network device', async () => {
    const { sandbox, run, until } = await startShell();
    await using _ = sandbox;
    const { ready, next } = serve(sandbox);
    await ready;
    const arriving = next();
    run('globalThis.a = connect("a"); a.write("from inside")');
    const socket = await arriving;
    socket.resume();
    const [chunk]: Buffer[] = await once(socket, 'data');
    expect(String(chunk)).toBe('from inside');
    socket.end('from outside');
    await until('a: from outside');
    await until('a end');
    run('say(Object.keys(require("node:os").networkInterfaces()).join())');
    await until('lo');
  });

  test('a large body and a large answer arrive whole, even if the other side closes early', async () => {
    const { sandbox, run, until } = await startShell();
    await using _ = sandbox;
    const { ready, next } = serve(sandbox);
    await ready;
    const MiB = 1024 * 1024;
    const arriving = next();
    run(
      `{ const s = net.connect(${port}, "127.0.0.1"); s.write(Buffer.alloc(${8 * MiB}, "x")); let n = 0;` +
        's.on("error", () => {}); s.on("data", (d) => (n += d.length)); s.on("end", () => say("got " + n)); }',
    );
    const socket = await arriving;
    let taken = 0;
    socket.on('data', (chunk: Buffer) => {
      taken += chunk.length;
      if (taken === 8 * MiB) socket.end(Buffer.alloc(8 * MiB, 'y'));
    });
    socket.resume();
    await until(`got ${8 * MiB}`);
    // The server answers and hangs up before half of the body has arrived.
    const second = next();
    run(
      `{ const s = net.connect(${port}, "127.0.0.1"); s.write(Buffer.alloc(${MiB}, "x")); let n = 0;` +
        's.on("error", () => {}); s.on("data", (d) => (n += d.length)); s.on("end", () => say("early " + n)); }',
    );
    const hasty = await second;
    hasty.end('z'.repeat(100_000), () => hasty.destroy());
    await until('early 100000');
  });

  test('an endless series of clients locks no others out, in one process', async () => {
    const { sandbox, run, until } = await startShell({ pidsLimit: 20 });
    await using _ = sandbox;
    const { ready, sockets } = serve(sandbox, 4);
    await ready;
    run(
      `{ let n = 0; const one = () => { if (n++ >= 400) return; const s = net.connect(${port}, "127.0.0.1");` +
        's.on("connect", () => s.destroy()); s.on("error", (e) => say(e.code)); s.on("close", one); };' +
        'for (let i = 0; i < 40; i++) one(); }',
    );
    let most = 0;
    while (sockets.length < 400) {
      most = Math.max(most, sockets.filter(({ destroyed }) => !destroyed).length);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBeLessThanOrEqual(8);
    run('connect("after")');
    await until('after connect');
  });

  test('is closed while the sandbox is frozen, and open again afterwards', async () => {
    const { sandbox, run, until } = await startShell();
    await using _ = sandbox;
    const { ready, next, sockets } = serve(sandbox);
    await ready;
    const arriving = next();
    run('globalThis.a = connect("a")');
    const socket = await arriving;
    await until('a connect');
    await sandbox.freeze();
    expect(socket.destroyed).toBe(true);
    run('connect("b")');
    await sandbox.thaw();
    await until('a close');
    await until('b connect');
    expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(sockets.length - 1);
  });

  test('connections past its limit wait for their turn', async () => {
    const { sandbox, run, until } = await startShell();
    await using _ = sandbox;
    const { ready, next, sockets } = serve(sandbox, 2);
    await ready;
    run('for (const n of [1, 2, 3]) connect("c" + n).write("x")');
    for (const n of [1, 2, 3]) await until(`c${n} connect`);
    while (sockets.length < 2) await next();
    expect(sockets).toHaveLength(2);
    const third = next();
    sockets[0]?.destroy();
    await third;
    expect(sockets).toHaveLength(3);
  });

  test('the relay counts for the sandbox, and nothing of it is left', async () => {
    const { sandbox, run, until } = await startShell();
    const before = (await sandbox.usage()).pids;
    const { ready } = serve(sandbox);
    await ready;
    expect((await sandbox.usage()).pids).toBe(before + 1);
    expect(relays()).toHaveLength(1);
    const status = readFileSync(`/proc/${relays()[0]}/status`, 'utf8');
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    const [, owner = ''] = /^Uid:\t(\d+)\t/m.exec(status) ?? [];
    expect(Number(owner)).toBeGreaterThan(2 ** 30);
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      expect(status).toMatch(new RegExp(`^Cap${set}:\t0{16}$`, 'm'));
    }
    run('connect("a")');
    await until('a connect');
    await sandbox.freeze();
    await sandbox.destroy();
    expect(relays()).toEqual([]);
  });

  test('a sandbox does not outlive its relay', async () => {
    const { sandbox } = await startShell();
    await using _ = sandbox;
    await serve(sandbox).ready;
    for (const pid of relays()) process.kill(Number(pid), 'SIGKILL');
    expect(await sandbox.exited).toMatchObject({ code: 137, killed: false, outOfMemory: false });
  });

  test('a program that has the port itself keeps it, and Ward reports it', async () => {
    const { sandbox, run, until } = await startShell();
    await using _ = sandbox;
    run(`net.createServer().listen(${port}, "127.0.0.1", () => say("mine"))`);
    await until('mine');
    await expect(serve(sandbox).ready).rejects.toMatchObject({ code: 'PORT_UNREACHABLE' });
  });

  test('is refused by a runtime that keeps the network to itself', async () => {
    if (!existsSync('/usr/bin/runsc')) return;
    const sandbox = await host.start({
      rootDir: root.path,
      args: [testNode, '-e', 'setInterval(() => {}, 1000)'],
      env: {},
      cwd: '/',
      policy: { ...strictPolicy, runtime: 'runsc' },
      channel: 'none',
    });
    await using _ = sandbox;
    expect(() => serve(sandbox)).toThrow(expect.objectContaining({ code: 'PORT_UNREACHABLE' }));
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
