/** The suite that every runtime driver must pass; each driver's test runs it. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomHex, silentLog } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { readMounts } from '../host/mounts.ts';
import { type SandboxPolicy, strictPolicy } from '../policy.ts';
import { type LocalSandboxHost, openSandboxHost } from '../sandbox-host.ts';
import type { RuntimeName, Sandbox, SandboxExit, SandboxRequest } from '../types.ts';
import { makeTestRoot, type TestRoot, testNode } from './root.ts';

const MiB = 1024 * 1024;
const busybox = '/usr/bin/busybox';

interface Behaviour {
  readonly runtime: RuntimeName;
  /** Whether the runtime has its own kernel: tests of the host's kernel don't apply then. */
  readonly hasOwnKernel: boolean;
}

interface Ran {
  readonly exit: SandboxExit;
  readonly stdout: string;
  readonly stderr: string;
}

export function describeRuntime({ runtime, hasOwnKernel }: Behaviour): void {
  const program = ['/usr/bin', '/usr/sbin', '/usr/local/bin'].find((dir) => existsSync(join(dir, runtime)));
  const why = !isIsolated()
    ? 'needs Ward’s isolation: run npm test as root'
    : program === undefined
      ? `${runtime} is not installed`
      : existsSync(busybox)
        ? undefined
        : 'busybox is not installed';

  describe.skipIf(why !== undefined)(`${runtime}${why === undefined ? '' : ` (${why})`}`, () => {
    let host: LocalSandboxHost;
    let root: TestRoot;
    let runDir: string;
    const instance = `test-${randomHex(4)}`;
    const policy: SandboxPolicy = { ...strictPolicy, runtime, memoryBytes: 256 * MiB };

    beforeAll(async () => {
      runDir = await mkdtemp(join(tmpdir(), 'ward-run-'));
      root = await makeTestRoot();
      host = await openSandboxHost({ instance, runDir, runtime, log: silentLog });
    });
    afterAll(async () => {
      await host.close();
      await root[Symbol.asyncDispose]();
      const left = (await readdir(runDir)).filter((name) => name === instance);
      await rm(runDir, { recursive: true });
      expect(left).toEqual([]);
      expect(groupsOf(instance)).toEqual([]);
    });

    const start = (args: readonly string[], changes: Partial<SandboxRequest> = {}): Promise<Sandbox> =>
      host.start({
        rootDir: root.path,
        args,
        env: { PATH: '/usr/bin' },
        cwd: '/',
        policy,
        channel: 'none',
        ...changes,
      });
    const run = async (
      args: readonly string[],
      changes: Partial<SandboxRequest> = {},
      input = '',
    ): Promise<Ran> => {
      await using sandbox = await start(args, changes);
      sandbox.stdin.end(input);
      const [exit, stdout, stderr] = await Promise.all([
        sandbox.exited,
        textOf(sandbox.stdout),
        textOf(sandbox.stderr),
      ]);
      return { exit, stdout, stderr };
    };
    const shell = (script: string, changes: Partial<SandboxRequest> = {}, input = '') =>
      run([busybox, 'sh', '-c', script], changes, input);
    const node = (script: string, changes: Partial<SandboxRequest> = {}) =>
      run([testNode, '-e', script], changes);

    test('passes stdin, stdout, stderr and the exit code through', async () => {
      const { exit, stdout, stderr } = await shell('cat; echo err >&2; exit 7', {}, 'from outside\n');
      expect(stdout).toBe('from outside\n');
      expect(stderr).toBe('err\n');
      expect(exit).toMatchObject({
        code: 7,
        signal: null,
        outOfMemory: false,
        seccompKill: false,
        killed: false,
        runtimeError: '',
      });
    });

    test('tells a failed start of the runtime from the program’s own stderr', async () => {
      const { exit } = await run(['/nowhere'], { policy: { ...policy, landlock: undefined } });
      expect(exit.code).not.toBe(0);
      expect(exit.runtimeError).toMatch(/nowhere|no such file/i);
    });

    test('the channel carries 4 MiB there and back', async () => {
      await using sandbox = await start(
        [testNode, '-e', 'const s = new (require("net").Socket)({ fd: 3 }); s.pipe(s)'],
        { channel: 'channel' },
      );
      const sent = Buffer.alloc(4 * MiB, 'ward');
      const { channel } = sandbox;
      if (channel === undefined) throw new Error('no channel');
      channel.write(sent);
      const chunks: Buffer[] = [];
      let size = 0;
      while (size < sent.length) {
        const [chunk]: Buffer[] = await once(channel, 'data');
        if (chunk === undefined) break;
        chunks.push(chunk);
        size += chunk.length;
      }
      expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    });

    const serve = (port: number) =>
      start([
        testNode,
        '-e',
        `require('net').createServer((peer) => peer.on('data', (data) => {
           if (String(data) === 'bye') process.exit(3);
           peer.write('<' + data + '>');
         })).listen(${port})`,
      ]);
    const ask = async (peer: Socket, text: string) => {
      peer.write(text);
      const [chunk]: Buffer[] = await once(peer, 'data');
      return String(chunk);
    };

    test.skipIf(hasOwnKernel)('the host reaches a port of its loopback, even before it is open', async () => {
      await using sandbox = await serve(8080);
      const port = sandbox.openPort(8080);
      const [first, second] = await Promise.all([port.connect(), port.connect()]);
      expect(await Promise.all([ask(first, 'one'), ask(second, 'two')])).toEqual(['<one>', '<two>']);
      const ended = [once(first, 'close'), once(second, 'close')];
      second.write('bye');
      await Promise.all(ended);
      expect(await sandbox.exited).toMatchObject({ code: 3 });
      await sandbox.destroy();
      await expect(port.connect()).rejects.toMatchObject({ code: 'PORT_UNREACHABLE' });
    });

    test.skipIf(hasOwnKernel)(
      'the process that enters its network has no rights, and ends with it',
      async () => {
        const sandbox = await serve(9090);
        const peer = await sandbox.openPort(9090).connect();
        expect(await ask(peer, 'x')).toBe('<x>');
        const relays = pidsOf('TCP4:127.0.0.1:9090,forever,interval=0.01,nodelay');
        expect(relays.length).toBeGreaterThan(0);
        for (const pid of relays) {
          const status = readFileSync(`/proc/${pid}/status`, 'utf8');
          expect(status).toMatch(/^CapBnd:\t0+$/m);
          expect(status).toMatch(/^NoNewPrivs:\t1$/m);
          expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(2 ** 30);
        }
        await sandbox.destroy();
        const isLeft = () => pidsOf('TCP4:127.0.0.1:9090,forever,interval=0.01,nodelay').length > 0;
        while (isLeft()) await new Promise(setImmediate);
      },
    );

    test.runIf(hasOwnKernel)('a port of its loopback can’t be reached', async () => {
      await using sandbox = await start([busybox, 'cat']);
      expect(() => sandbox.openPort(8080)).toThrow(/keeps the network/);
    });

    test('a frozen sandbox stops and continues after the thaw', async () => {
      await using sandbox = await start([busybox, 'cat']);
      const echo = async (text: string) => {
        sandbox.stdin.write(text);
        const [chunk]: Buffer[] = await once(sandbox.stdout, 'data');
        return String(chunk);
      };
      expect(await echo('one\n')).toBe('one\n');
      await sandbox.freeze();
      await sandbox.freeze();
      let whileFrozen = '';
      const listen = (chunk: Buffer) => {
        whileFrozen += String(chunk);
      };
      sandbox.stdout.on('data', listen);
      sandbox.stdin.write('two\n');
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(whileFrozen).toBe('');
      const answered = once(sandbox.stdout, 'data');
      await sandbox.thaw();
      await answered;
      expect(whileFrozen).toBe('two\n');
    });

    test('a frozen sandbox can be destroyed', async () => {
      const sandbox = await start([busybox, 'cat']);
      sandbox.stdin.write('x');
      await once(sandbox.stdout, 'data');
      await sandbox.freeze();
      await sandbox.destroy();
      expect(await sandbox.exited).toMatchObject({ killed: true, runtimeError: '' });
      await expect(sandbox.freeze()).rejects.toMatchObject({ code: 'SANDBOX_ENDED' });
    });

    test('destroying twice, at once, and before it has started leaves nothing', async () => {
      const sandboxes = await Promise.all([1, 2, 3].map(() => start([busybox, 'sleep', '1000'])));
      await Promise.all(sandboxes.flatMap((sandbox) => [sandbox.destroy(), sandbox.destroy()]));
      for (const sandbox of sandboxes) {
        expect((await sandbox.exited).killed).toBe(true);
        expect(groupsOf(`${instance}/${sandbox.id}`)).toEqual([]);
      }
      expect(await readdir(join(runDir, instance, 'bundles'))).toEqual([]);
    });

    test('the death of the runtime process ends the sandbox and leaves nothing', async () => {
      await using sandbox = await start([busybox, 'cat']);
      sandbox.stdin.write('x');
      await once(sandbox.stdout, 'data');
      for (const pid of pidsOf('run', sandbox.id)) process.kill(pid, 'SIGKILL');
      expect(await sandbox.exited).toMatchObject({ killed: false, signal: 'SIGKILL', outOfMemory: false });
      expect((await sandbox.exited).runtimeError).toContain('SIGKILL');
      await sandbox.destroy();
      expect(groupsOf(`${instance}/${sandbox.id}`)).toEqual([]);
    });

    test('allocating past the limit is reported as out of memory', async () => {
      const { exit } = await node('const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1))', {
        policy: { ...policy, memoryBytes: 96 * MiB },
      });
      expect(exit).toMatchObject({ outOfMemory: true, seccompKill: false, killed: false });
    });

    test('a forbidden system call is reported as a seccomp kill', async () => {
      const { exit } = await run([busybox, 'mount', '-t', 'tmpfs', 'none', '/tmp']);
      expect(exit).toMatchObject({ seccompKill: true, outOfMemory: false, killed: false, signal: 'SIGSYS' });
    });

    test('the exit code of a killed program alone doesn’t make it out of memory', async () => {
      const { exit } = await shell('exit 137');
      expect(exit).toMatchObject({ code: 137, outOfMemory: false, seccompKill: false, killed: false });
    });

    test('usage counts memory, time and processes', async () => {
      await using sandbox = await start([busybox, 'cat']);
      sandbox.stdin.write('x');
      await once(sandbox.stdout, 'data');
      const usage = await sandbox.usage();
      expect(usage.memoryBytes).toBeGreaterThan(0);
      expect(usage.memoryPeakBytes).toBeGreaterThanOrEqual(usage.memoryBytes);
      expect(usage.cpuUsec).toBeGreaterThan(0);
      expect(usage.pids).toBeGreaterThan(0);
    });

    test('its tmpfs is full at its size', async () => {
      const tmpfs = [{ path: '/tmp', sizeBytes: MiB, inodes: 100, exec: false }];
      const { stdout } = await shell(
        'dd if=/dev/zero of=/tmp/big bs=64k count=100 2>/dev/null; stat -c %s /tmp/big',
        { policy: { ...policy, tmpfs } },
      );
      expect(Number(stdout)).toBe(MiB);
    });

    test('neither the root nor the code can be written, but the code can be run', async () => {
      const codeDir = await mkdtemp(join(tmpdir(), 'ward-code-'));
      try {
        await chmod(codeDir, 0o777);
        await writeFile(join(codeDir, 'tool'), '#!/usr/bin/busybox sh\necho tool ran\n', { mode: 0o755 });
        const { stdout } = await shell(
          '/fn/tool; for f in /x /usr/x /fn/x; do echo 1 2>/dev/null >$f && echo wrote $f; done; touch /tmp/ok && echo tmp ok',
          { codeDir },
        );
        expect(stdout).toBe('tool ran\ntmp ok\n');
      } finally {
        await rm(codeDir, { recursive: true });
      }
    });

    test('has no capabilities and no network but lo', async () => {
      const { stdout } = await node(
        'const fs = require("fs"); const status = fs.readFileSync("/proc/self/status", "utf8");' +
          'console.log(JSON.stringify([status.match(/^Cap(Inh|Prm|Eff|Bnd):.*$/gm), Object.keys(os.networkInterfaces())]))',
      );
      const [capabilities, interfaces] = JSON.parse(stdout);
      expect(capabilities).toHaveLength(4);
      for (const line of capabilities) expect(line).toMatch(/:\s+0{16}$/);
      expect(interfaces).toEqual(['lo']);
    });

    test.skipIf(hasOwnKernel)('a fork bomb stops at the pids limit', async () => {
      const { stdout } = await shell('for i in $(seq 100); do sleep 100 & echo $i; done', {
        policy: { ...policy, pidsLimit: 20 },
      });
      const made = stdout.trim().split('\n').length;
      expect(made).toBeGreaterThan(5);
      expect(made).toBeLessThan(20);
    });

    test.skipIf(hasOwnKernel)('two sandboxes never share a user id outside', async () => {
      const maps = await Promise.all([1, 2].map(() => shell('cat /proc/self/uid_map')));
      const [first, second] = maps.map(({ stdout }) => stdout.trim().split(/\s+/).map(Number));
      expect(first?.[0]).toBe(0);
      expect(first?.[2]).toBe(65536);
      expect(Math.abs((first?.[1] ?? 0) - (second?.[1] ?? 0))).toBeGreaterThanOrEqual(65536);
      expect(Math.min(first?.[1] ?? 0, second?.[1] ?? 0)).toBeGreaterThanOrEqual(2 ** 30);
    });

    test.skipIf(hasOwnKernel)('sees its own processes only, and not the machine through /proc', async () => {
      const { stdout } = await shell('ls /proc; cat /proc/1/comm');
      expect(stdout.split('\n').filter((name) => /^\d+$/.test(name)).length).toBeLessThan(5);
      expect(stdout).not.toContain('kcore');
      expect(stdout).not.toContain('sysrq-trigger');
    });

    test('a policy that this host can’t meet is refused', async () => {
      // Refused with AppArmor off, and with it on.
      const unmet = { ...policy, apparmorProfile: 'no-such-profile' };
      await expect(start([busybox, 'true'], { policy: unmet })).rejects.toMatchObject({
        code: 'POLICY_NOT_MET',
      });
    });
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Processes whose command line has all these arguments. */
function pidsOf(...args: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return args.every((arg) => line.includes(arg));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Groups below `/ward/<path>` in every hierarchy. */
function groupsOf(path: string): string[] {
  return readMounts()
    .filter(({ type }) => type.startsWith('cgroup'))
    .map((mount) => join(mount.path, 'ward', path))
    .filter((folder) => existsSync(folder) && readFileSync(join(folder, 'cgroup.procs')) !== undefined);
}
