/** A keeper with real sandboxes, and a compromised server that sends what it likes. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { openKeptCode } from '../src/keeper/code-places.ts';
import { type Keeper, keep } from '../src/keeper/keeper.ts';
import { openKeptHost } from '../src/keeper/kept-host.ts';
import { openKeptMounter, openKeptPlaces } from '../src/keeper/kept-places.ts';
import { connectStreams, startKeptScan } from '../src/keeper/kept-streams.ts';
import { sayLine } from '../src/keeper/lines.ts';
import { type KeeperLink, linkOver } from '../src/keeper/link.ts';
import { openReadyStreams } from '../src/keeper/ready-streams.ts';
import { openStreamDoor } from '../src/keeper/stream-door.ts';
import { isFault, randomHex, silentLog } from '../src/lib/index.ts';
import { socketPair } from '../src/prover/kept-server.ts';
import { isIsolated, openSandboxHost, operatorPolicy, type SandboxOrder } from '../src/sandbox/index.ts';
import { makeTestRoot, type TestRoot, testNode } from '../src/sandbox/testing/root.ts';

const canTry = isIsolated() && existsSync('/usr/bin/crun');
const mebibyte = 1024 * 1024;
const rootName = 'a'.repeat(64);

describe.skipIf(!canTry)(`the keeper${canTry ? '' : ' (needs Ward’s isolation and crun)'}`, () => {
  let stack: AsyncDisposableStack;
  let root: TestRoot;
  let keeper: Keeper;
  let link: KeeperLink;
  /** The server's end of the line, to write what no real server would. */
  let line: Socket;
  let prepareScan: () => Promise<void>;
  /** For `sh`; descriptor 3 leads to the server. */
  let scanProgram: string;
  /** A line to the keeper of a command, which has the command's flags. */
  let byHand: () => Promise<KeeperLink>;
  const operator = operatorPolicy({ allow: { memory: 512 * mebibyte, cpus: 2 } });

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    prepareScan = async () => {};
    scanProgram = 'read -r line <&3; echo "$line" >&3; echo heard >&2';
    root = stack.use(await makeTestRoot());
    const folder = await mkdtemp(join(tmpdir(), 'ward-keeper-'));
    stack.defer(() => rm(folder, { recursive: true }));
    await chmod(folder, 0o711);
    const instance = `test-${randomHex(4)}`;
    const host = stack.use(
      await openSandboxHost({ instance, runDir: folder, runtime: 'crun', log: silentLog }),
    );
    const door = stack.use(await openStreamDoor(join(folder, 'keeper'), 0));
    await mkdir(join(folder, 'laid'), { mode: 0o711 });
    const code = await openKeptCode(join(folder, 'laid'), 0);
    const [mine, theirs] = await socketPair(join(folder, 'line'));
    const layersDir = join(folder, 'layers');
    keeper = stack.use(
      keep({
        ...{ channel: mine, host, operator, memoryBytes: 512 * mebibyte, layersDir, code, door, userId: 0 },
        scanCommand: async () => {
          await prepareScan();
          return { argv: ['/bin/sh', '-c', scanProgram], env: {} };
        },
        mounter: { mount: async () => root.path, unmount: async () => {} },
        log: silentLog,
      }),
    );
    const { controllers, ...cgroup } = host.features.cgroup;
    byHand = async () => {
      const [keeperEnd, handEnd] = await socketPair(join(folder, 'hand'));
      const given = { givenFolder: join(folder, 'given'), asks: 'flags', mostSandboxes: 1 } as const;
      const mount = async (_: string, { layerDirs }: { readonly layerDirs: readonly string[] }) =>
        layerDirs[0] ?? '';
      keep({
        ...{ channel: keeperEnd, host, operator, memoryBytes: 512 * mebibyte, layersDir, door, userId: 0 },
        ...{ ...given, mounter: { mount, unmount: async () => {} }, log: silentLog },
      });
      sayLine(keeperEnd, {
        ...{ door: { path: door.path, secret: door.secret }, instance, layersDir, mountsDir: layersDir },
        ...{ hearsKernel: false, task: {}, cgroup: { ...cgroup, controllers: [...controllers] } },
      });
      const opened = await linkOver(handEnd);
      stack.defer(() => opened.close());
      return opened;
    };
    sayLine(mine, {
      door: { path: door.path, secret: door.secret },
      ...{
        instance,
        layersDir,
        mountsDir: layersDir,
        codeWorkDir: code.workDir,
        hearsKernel: false,
        task: {},
      },
      cgroup: { ...cgroup, controllers: [...controllers] },
    });
    line = theirs;
    link = await linkOver(theirs);
    stack.defer(() => link.close());
    await openKeptMounter(link).mount(rootName, { reference: 'test', layerDirs: [], folders: [] });
  });
  afterEach(() => stack.disposeAsync());

  const order = (program: string, changes: Partial<SandboxOrder> = {}): SandboxOrder => ({
    rootDir: `/anywhere/${rootName}`,
    args: [testNode, '-e', program],
    env: {},
    cwd: '/',
    channel: 'none',
    ask: { request: {}, memoryBytes: 256 * mebibyte },
    ...changes,
  });
  const start = (program: string, changes: Partial<SandboxOrder> = {}) =>
    openKeptHost(link, operator).start(order(program, changes));
  /** The fault's code. */
  const refusal = (op: string, request: object): Promise<string> =>
    link.ask(op as 'check', request as never).then(
      () => 'done',
      (error: unknown) => (isFault(error) ? error.code : String(error)),
    );

  test('makes a sandbox whose streams are the server’s own', async () => {
    await using sandbox = await start(
      'process.stdin.pipe(process.stdout); require("node:net"); new (require("node:net").Socket)({ fd: 3 }).end("up")',
      { channel: 'channel' },
    );
    sandbox.stdin.end('hello');
    const said = await Promise.all([text(sandbox.stdout), sandbox.channel && text(sandbox.channel)]);
    expect(said).toEqual(['hello', 'up']);
    expect(await sandbox.exited).toMatchObject({ code: 0, killed: false });
  });

  /** Outcomes of the requests of this kind. */
  const asked = (spy: MockInstance<KeeperLink['ask']>, op: string) =>
    spy.mock.calls.flatMap((call, index) => (call[0] === op ? [spy.mock.results[index]?.value] : []));

  test('makes the next sandbox of a process that waits, with walls of its own', async () => {
    const spy = vi.spyOn(link, 'ask');
    const kept = openKeptHost(link, operator);
    const program =
      'console.log(process.cwd(), process.hrtime()[0]); new (require("node:net").Socket)({ fd: 3 }).end("up")';
    const hours: number[] = [];
    for (let round = 1; round <= 3; round++) {
      await using sandbox = await kept.start(order(program, { channel: 'channel', cwd: '/tmp' }));
      const streams = [sandbox.stdout, sandbox.stderr, sandbox.channel ?? sandbox.stdout];
      const [out = '', ...rest] = await Promise.all(streams.map((stream) => text(stream)));
      expect(rest).toEqual(['', 'up']);
      expect(await sandbox.exited).toMatchObject({ code: 0, killed: false });
      const [folder, seconds] = out.trim().split(' ');
      expect(folder).toBe('/tmp');
      hours.push(Math.floor(Number(seconds) / 3600));
      expect(asked(spy, 'ready').length).toBe(round);
      await Promise.all(asked(spy, 'ready'));
    }
    expect(new Set(hours).size).toBe(3);
    const starts = spy.mock.calls.filter(([op]) => op === 'start').map(([, request]) => request);
    expect(starts.map((request) => 'ready' in request)).toEqual([false, true, true]);
  });

  test('a waiting process that has ended is not used', async () => {
    const spy = vi.spyOn(link, 'ask');
    const ready = openReadyStreams(link);
    ready.make();
    await Promise.all(asked(spy, 'ready'));
    ready.make();
    expect(asked(spy, 'ready').length).toBe(1);
    const waiting = await waitingChildren();
    expect(waiting.length).toBe(1);
    for (const pid of waiting) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => {
      ready.make();
      expect(asked(spy, 'ready').length).toBe(2);
    });
    await Promise.all(asked(spy, 'ready'));
    expect(ready.take()).toBeDefined();
  });

  test('lets only a few processes wait, and ends them with the server', async () => {
    const runs = Array.from({ length: 5 }, () => link.nextId());
    const streams = runs.flatMap((run) => connectStreams(link.hello.door, run, 4));
    stack.defer(() => streams.forEach((stream) => void stream.destroy()));
    const made = await Promise.allSettled(runs.map((run) => link.ask('ready', {}, run)));
    expect(made.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected']);
    expect((await waitingChildren()).length).toBe(4);
    expect(await refusal('ready', {})).toBe('SANDBOX_START_FAILED');
    const wanted = { root: rootName, args: ['/bin/true'], env: {}, cwd: '/', channel: 'channel' };
    const ask = { request: {}, memoryBytes: 64 * mebibyte };
    expect(await refusal('start', { order: { ...wanted, ask }, ready: runs[4] })).toBe(
      'SANDBOX_START_FAILED',
    );
    // A refused order uses up a waiting process.
    const dear = { request: {}, memoryBytes: 4096 * mebibyte };
    expect(await refusal('start', { order: { ...wanted, ask: dear }, ready: runs[0] })).toBe(
      'POLICY_EXCEEDED',
    );
    await vi.waitFor(async () => expect((await waitingChildren()).length).toBe(3));
    await keeper[Symbol.asyncDispose]();
    await vi.waitFor(async () => expect(await waitingChildren()).toEqual([]));
  });

  test('starts a scan on the server’s streams, however long the preparation takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    stack.defer(() => void vi.useRealTimers());
    prepareScan = async () => {
      // Far more turns than the streams need to arrive.
      for (let turns = 0; turns < 100; turns++) await setImmediate();
      await vi.advanceTimersByTimeAsync(600_000);
    };
    const scan = await startKeptScan(link);
    scan.stream.write('hello\n');
    expect(await Promise.all([text(scan.stream), text(scan.stderr)])).toEqual(['hello\n', 'heard\n']);
    expect(await scan.exited).toBe('0');
  });

  test('ends a scan that its server left behind, even one that hears nothing', async () => {
    scanProgram = 'echo begun >&2; exec sleep infinity >&- 2>&- 3>&-';
    const scan = await startKeptScan(link);
    expect(await text(scan.stderr)).toBe('begun\n');
    const isLeft = async () => (await childrenOf('sleep\0infinity\0')).length > 0;
    await vi.waitFor(async () => expect(await isLeft()).toBe(true));
    await keeper[Symbol.asyncDispose]();
    await vi.waitFor(async () => expect(await isLeft()).toBe(false));
  });

  test('starts no scan for a server that hangs up while it is prepared', async () => {
    prepareScan = async () => keeper[Symbol.asyncDispose]();
    scanProgram = 'exec sleep infinity';
    await expect(startKeptScan(link)).rejects.toMatchObject({ kind: 'host' });
    expect(await childrenOf('sleep\0infinity\0')).toEqual([]);
  });

  test('tells how many sandboxes could not be removed', async () => {
    keeper.onLeftBehind(2);
    await vi.waitFor(() => expect(openKeptHost(link, operator).leftBehind()).toBe(2));
  });

  test('freezes, thaws and weighs a sandbox through files that it lent, and ends it on request', async () => {
    await using sandbox = await start('setInterval(() => process.stdout.write("."), 5)');
    await once(sandbox.stdout, 'data');
    await sandbox.freeze();
    const before = sandbox.cpuUsec();
    sandbox.standBack(true);
    expect(sandbox.cpuUsec()).toBe(before);
    await sandbox.thaw();
    await once(sandbox.stdout, 'data');
    await sandbox.destroy();
    expect(await sandbox.exited).toMatchObject({ killed: true });
  });

  test('reports that a sandbox ended because it ran out of memory', async () => {
    await using sandbox = await start('const all = []; for (;;) all.push(Buffer.alloc(1e6, 1))', {
      ask: { request: {}, memoryBytes: 64 * mebibyte },
    });
    sandbox.stdout.resume();
    expect(await sandbox.exited).toMatchObject({ outOfMemory: true });
  });

  test('code is in a folder that the server can fill, and appears at /fn', async () => {
    const places = openKeptPlaces(link);
    const [codeDir, ...others] = await Promise.all([places.make(), places.make(), places.make()]);
    expect(new Set([codeDir, ...others, await places.make()]).size).toBe(4);
    await using sandbox = await start('console.log(require("node:fs").readdirSync("/fn").length)', {
      codeDir,
    });
    expect(await text(sandbox.stdout)).toBe('0\n');
    await sandbox.exited;
    await sandbox.destroy();
    await places.remove(codeDir);
    expect(existsSync(codeDir)).toBe(false);
  });

  test.each([
    [
      'more memory than any sandbox may have',
      { memoryBytes: 4096 * mebibyte, request: {} },
      'POLICY_EXCEEDED',
    ],
    ['more processors', { memoryBytes: mebibyte * 64, request: { cpus: 64 } }, 'POLICY_EXCEEDED'],
    [
      'a tmpfs that runs programs',
      {
        memoryBytes: mebibyte * 64,
        request: { tmpfs: [{ path: '/tmp', sizeBytes: 8192, inodes: 10, exec: true }] },
      },
      'POLICY_EXCEEDED',
    ],
    [
      'an address that no one may reach',
      { memoryBytes: mebibyte * 64, request: { egress: [{ cidr: '203.0.113.0/24' }] } },
      'EGRESS_EXCEEDED',
    ],
  ])('refuses %s', async (_, ask, code) => {
    expect(await refusal('check', { ask })).toBe(code);
  });

  test('accepts only roots, code and sandboxes that it made', async () => {
    const ask = { request: {}, memoryBytes: 64 * mebibyte };
    const wanted = { root: 'b'.repeat(64), args: ['/bin/true'], env: {}, cwd: '/', channel: 'none', ask };
    expect(await refusal('start', { order: wanted })).toBe('REQUEST_UNSAFE');
    const code = '0123456789abcdef';
    expect(await refusal('start', { order: { ...wanted, root: rootName, code } })).toBe('REQUEST_UNSAFE');
    for (const op of ['lend', 'wayIn', 'portFolder']) {
      const port = op === 'lend' ? {} : { port: 80 };
      expect(await refusal(op, { sandbox: code, ...port })).toBe('SANDBOX_ENDED');
    }
    expect(
      await refusal('mount', { root: 'c'.repeat(64), reference: '', layers: [], folders: ['../up'] }),
    ).toBe('REQUEST_UNSAFE');
  });

  test('a sandbox whose streams never arrive is not made', async () => {
    const held = link.hello.door;
    const other = connect(held.path);
    await once(other, 'connect');
    other.write('a wrong secret 1 0\n');
    await once(other, 'close');
    // Another run: its streams are not used for this one.
    const socket = connect(held.path);
    socket.write(`${held.secret} 999999 0\n`);
    await using sandbox = await start('console.log("own")');
    expect(await text(sandbox.stdout)).toBe('own\n');
    socket.destroy();
  });

  test('a sandbox that is destroyed as the line ends, ends with it', async () => {
    const sandbox = await start('setInterval(() => {}, 1000)');
    const destruction = sandbox.destroy();
    link.close();
    await destruction;
    expect(await sandbox.exited).toMatchObject({ killed: true });
  });

  describe('of a command by hand', () => {
    const outcome = (asked: Promise<unknown>): Promise<unknown> =>
      asked.catch((error: unknown) => (isFault(error) ? error.code : String(error)));

    test('takes flags within the ceiling; starts one sandbox, and gives it no code and no scan', async () => {
      const hand = await byHand();
      const ask = (request: object) =>
        outcome(hand.ask('check', { ask: { memoryBytes: 64 * mebibyte, request: request as never } }));
      expect(await ask({ capAdd: ['chown'], pidsLimit: 8, uid: 7, gid: 8 })).toBe(null);
      expect(await ask({ capAdd: ['sys_admin'] })).toBe('POLICY_EXCEEDED');
      expect(await ask({ rootReadonly: false })).toBe('POLICY_EXCEEDED');
      for (const op of ['makeCode', 'scan'] as const)
        expect(await outcome(hand.ask(op, {}))).toBe('REQUEST_UNSAFE');
      const channel = 'none' as const;
      const order = { root: 'd'.repeat(64), args: ['/bin/true'], env: {}, cwd: '/', channel };
      const start = () =>
        outcome(hand.ask('start', { order: { ...order, ask: { request: {}, memoryBytes: mebibyte } } }));
      expect(await start()).toBe('REQUEST_UNSAFE');
      await expect(
        hand.ask('start', { order: { ...order, ask: { request: {}, memoryBytes: mebibyte } } }),
      ).rejects.toThrow('no more than 1');
    });

    test('mounts the folder that the operator gave, by its name alone', async () => {
      const hand = await byHand();
      const mount = (root: string, layer: string) =>
        hand.ask('mount', { root, reference: 'given', layers: [layer], folders: [] });
      const { path } = await mount('e'.repeat(64), 'given');
      expect(path).toMatch(/\/given$/);
      const { layersDir } = hand.hello;
      expect((await mount('f'.repeat(64), 'other')).path).toBe(join(layersDir, 'other'));
      expect(
        (
          await link.ask('mount', {
            root: rootName.replaceAll('a', '9'),
            reference: 'given',
            layers: ['given'],
            folders: [],
          })
        ).path,
      ).toBe(root.path);
    });
  });

  const name = { sandbox: '0123456789abcdef' };
  test.each([
    ['no JSON', 'hello'],
    ['no operation', { op: 'exec', id: 1, argv: ['/bin/sh'] }],
    ['a path for a root', { op: 'unmount', id: 1, root: '../../etc' }],
    ['a path for code', { op: 'removeCode', id: 1, code: '../../../etc' }],
    ['a path for a sandbox', { op: 'lend', id: 1, sandbox: '../platform' }],
    ['a user', { op: 'lend', id: 1, ...name, userId: 0 }],
    ['a capability', { op: 'check', id: 1, ask: { memoryBytes: 1, request: { capAdd: ['ALL'] } } }],
    ['a policy', { op: 'check', id: 1, ask: { memoryBytes: 1, request: {} }, policy: { uid: 0 } }],
    ['an invalid port', { op: 'wayIn', id: 1, ...name, port: 0 }],
  ])('hangs up on a server that sends %s', async (_, said) => {
    if (typeof said === 'string') line.write(`${said}\n`);
    else sayLine(line, said);
    await link.ended;
    expect(line.destroyed || line.readableEnded).toBe(true);
  });

  test('hangs up on a line without an end', async () => {
    line.on('error', () => {});
    for (let sent = 0; sent < 16 && !line.destroyed; sent++) line.write(Buffer.alloc(mebibyte, 'x'));
    await link.ended;
  });
});

/** Processes that wait for an order below this process, the keeper. */
const waitingChildren = () => childrenOf('/inherited.pl\0wait\0');

/** Children of this process. `end` is the end of their command, as `/proc` has it: with a zero byte behind each word. */
async function childrenOf(end: string): Promise<readonly number[]> {
  const threads = await readdir('/proc/self/task');
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const pids = lists
    .join(' ')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number);
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => commands[index]?.endsWith(end));
}
