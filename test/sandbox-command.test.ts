/** `ward sandbox run` and `ward sandbox explain` as commands, without a server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { type CliResult, imagesDir, missingForSandboxes, runWard, startWard } from './ward.ts';

const missing = missingForSandboxes();
const busybox = '/bin/busybox';

/** Runs Python code in a sandbox with these flags. */
function python(
  code: string,
  flags: readonly string[] = [],
  input: string | Buffer = '',
): Promise<CliResult> {
  return runWard(['sandbox', 'run', ...flags, 'python:3.13', '--', 'python3', '-c', code], { input });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-sandbox-'));
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe.skipIf(missing !== undefined)(
  `ward sandbox run${missing ? ` (${missing})` : ''}`,
  { concurrent: true },
  () => {
    it('passes stdin, stdout, stderr and the exit code through', async () => {
      const code = 'import sys; print(sys.stdin.read().upper()); print("oh", file=sys.stderr); sys.exit(7)';
      expect(await python(code, [], 'grüße')).toEqual({
        code: 7,
        signal: null,
        stdout: 'GRÜSSE\n',
        stderr: 'oh\n',
      });
    });

    it('passes megabytes of binary data through', async () => {
      const sent = randomBytes(5_000_000);
      const copy = 'import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)';
      const child = startWard(['sandbox', 'run', 'python:3.13', '--', 'python3', '-c', copy]);
      child.stdin?.end(sent);
      if (!child.stdout) throw new Error('no stdout');
      expect((await buffer(child.stdout)).equals(sent)).toBe(true);
    });

    it('accepts a program that leaves its input unread', async () => {
      expect(await python('print("done")', [], Buffer.alloc(5_000_000))).toMatchObject({
        code: 0,
        stdout: 'done\n',
      });
    });

    it('gives the program nothing of the host: environment, files, descriptors, processes', async () => {
      const code = `import json, os
print(json.dumps({"env": sorted(os.environ), "fds": os.listdir("/proc/self/fd"), "pids": [p for p in os.listdir("/proc") if p.isdigit()],
  "uid": os.getuid(), "net": os.listdir("/sys/class/net") if os.path.exists("/sys/class/net") else [], "host": os.path.exists(${JSON.stringify(folder)})}))`;
      const { stdout } = await runWard(
        ['sandbox', 'run', '-e', 'MINE=1', 'python:3.13', '--', 'python3', '-c', code],
        {
          env: { SECRET_OF_THE_HOST: '1' },
        },
      );
      const seen = JSON.parse(stdout);
      expect(seen.env).toContain('MINE');
      expect(seen.env).not.toContain('SECRET_OF_THE_HOST');
      expect(seen).toMatchObject({ fds: ['0', '1', '2', '3'], pids: ['1'], uid: 1000, host: false });
      expect(seen.net.filter((name: string) => name !== 'lo')).toEqual([]);
    });

    it('--workdir, --user, --env, --cpus', async () => {
      const code = 'import os; print(os.getcwd(), os.getuid(), os.getgid(), os.environ["A"])';
      const flags = ['-w', '/usr', '-u', '7:8', '-e', 'A=b=c', '--cpus', '0.5'];
      expect(await python(code, flags)).toEqual({
        code: 0,
        signal: null,
        stdout: '/usr 7 8 b=c\n',
        stderr: '',
      });
    });

    it('--memory: a program that exceeds it is killed, and the error says so', async () => {
      const allocate = 'x = [bytearray(1 << 20) for _ in range(1000)]';
      expect(await python(allocate, ['--memory', '64m'])).toMatchObject({
        code: 137,
        stderr: 'ward: the sandbox exhausted its memory (see --memory)\n',
      });
    });

    it('--pids-limit', async () => {
      const fork = `import os
made = 0
try:
  while made < 50:
    if os.fork() == 0: os._exit(0) if made > 50 else __import__("time").sleep(30)
    made += 1
except BlockingIOError: print(made)`;
      expect(await python(fork, ['--pids-limit', '8'])).toMatchObject({ code: 0, stdout: '7\n' });
    });

    it('--cap-add: what the policy allows, only inside the sandbox', async () => {
      const chown =
        'import os; open("/tmp/x", "w"); os.chown("/tmp/x", 5, 5); print(os.stat("/tmp/x").st_uid)';
      expect(await python(chown, ['--cap-add', 'chown'])).toMatchObject({ code: 0, stdout: '5\n' });
      expect(await python(chown)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('PermissionError'),
      });
    });

    it('--tmpfs: has this size, and nothing can be executed from it', async () => {
      const fill = `import os, subprocess
open("/tmp/run", "w").write("#!/usr/bin/python3"); os.chmod("/tmp/run", 0o755)
try: subprocess.run(["/tmp/run"])
except PermissionError: print("not executable")
open("/tmp/x", "wb").write(bytes(2 << 20))`;
      expect(await python(fill, ['--tmpfs', '/tmp:size=1m'])).toMatchObject({
        code: 1,
        stdout: 'not executable\n',
        stderr: expect.stringContaining('No space left on device'),
      });
    });

    it.each(['/scratch', '/var/lib/app/cache', '/usr/share'])(
      '--tmpfs %s, which need not exist in the image',
      async (path) => {
        const code = `import os
open("${path}/x", "w").write("kept")
s = os.statvfs("${path}")
print(open("${path}/x").read(), s.f_blocks * s.f_frsize, os.listdir("${path}"))
try: os.mkdir("/other")
except OSError as error: print(error.strerror)`;
        expect(await python(code, ['--tmpfs', `${path}:size=64m`])).toEqual({
          code: 0,
          signal: null,
          stdout: `kept ${64 << 20} ['x']\nRead-only file system\n`,
          stderr: '',
        });
      },
    );

    it('--seccomp: a profile removes calls, and never allows what the policy refuses', async () => {
      const profile = await file(
        'seccomp.json',
        JSON.stringify({
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
        }),
      );
      const attempt = `import os, socket
try: os.mkdir("/tmp/x")
except PermissionError: print("no mkdir")
try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
except OSError as error: print("no packets")`;
      expect(await python(attempt, ['--seccomp', profile])).toMatchObject({
        code: 0,
        stdout: 'no mkdir\nno packets\n',
      });
      const unshare = 'import ctypes; ctypes.CDLL(None).unshare(0x10000000); print("still here")';
      const killed = await python(unshare, ['--seccomp', profile]);
      expect(killed).toMatchObject({ code: 159, stdout: '' });
      expect(killed.stderr).toContain('ward: the sandbox made a system call that its policy forbids');
    });

    it('--timeout ends the sandbox with exit code 124', async () => {
      const sleep = 'import time; print("begun", flush=True); time.sleep(60)';
      expect(await python(sleep, ['--timeout', '1s'])).toMatchObject({ code: 124, stdout: 'begun\n' });
    });

    it.each(['runc', 'runsc'])('--runtime %s', async (runtime) => {
      const installed = await runCommand([runtime, '--version']).catch(() => undefined);
      if (installed?.code !== 0) return;
      const code = 'import sys; print(sys.stdin.read(), end=""); sys.exit(3)';
      expect(await python(code, ['--runtime', runtime], 'hi')).toMatchObject({ code: 3, stdout: 'hi' });
    });

    const refusals: [why: string, args: string[], code: number, said: string][] = [
      [
        'a capability beyond the policy',
        ['--cap-add', 'sys_admin', 'python:3.13'],
        3,
        'CAP_SYS_ADMIN is not allowed',
      ],
      ['memory beyond the policy', ['--memory', '9g', 'python:3.13'], 3, 'POLICY_EXCEEDED'],
      ['a tmpfs over /proc', ['--tmpfs', '/proc/x', 'python:3.13'], 2, "/proc/x can't be a tmpfs"],
      [
        'a tmpfs that a link of the image would lead elsewhere',
        ['--tmpfs', '/bin/x', 'python:3.13'],
        2,
        '/bin of the root file system is a symbolic link',
      ],
      ['no size', ['--memory', 'lots', 'python:3.13'], 2, 'lots'],
      ['no such image', ['nope:1'], 5, 'IMAGE_NOT_FOUND'],
      ['no such folder', ['rootfs:/nonexistent'], 5, 'IMAGE_NOT_FOUND'],
      ['no such flag', ['--privileged', 'python:3.13'], 2, 'USAGE'],
    ];
    it.each(refusals)('refuses %s', async (_why, args, code, said) => {
      const result = await runWard(['sandbox', 'run', ...args, '--', 'python3', '-c', 'print("ran")']);
      expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) });
    });

    it('a missing program: 127, as in a shell', async () => {
      const result = await runWard(['sandbox', 'run', 'python:3.13', '--', '/no/such/program']);
      expect(result).toMatchObject({ code: 127, stdout: '' });
    });

    it('runs an image of an OCI layout by its tag', async () => {
      const code = 'import platform; print(platform.python_version())';
      const result = await runWard([
        'sandbox',
        'run',
        `oci:${imagesDir}:python:3.13`,
        '--',
        'python3',
        '-c',
        code,
      ]);
      expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^3\.13\./) });
    });
  },
);

describe.skipIf(missing !== undefined || !existsSync(busybox))('a folder as root', () => {
  async function makeRoot(name: string, folders: readonly string[]): Promise<string> {
    const root = join(folder, name);
    for (const each of ['bin', ...folders]) await mkdir(join(root, each), { recursive: true });
    await copyFile(busybox, join(root, 'bin/busybox'));
    return root;
  }
  const run = (root: string, ...command: string[]) =>
    runWard(['sandbox', 'run', `rootfs:${root}`, '--', '/bin/busybox', ...command]);

  it('runs, and stays unchanged', async () => {
    const root = await makeRoot('root', ['proc', 'dev', 'sys', 'tmp']);
    expect(await run(root, 'id', '-u')).toMatchObject({ code: 0, stdout: '1000\n' });
    const touched = await run(root, 'touch', '/x');
    expect(touched).toMatchObject({ code: 1, stderr: expect.stringContaining('Read-only file system') });
    expect(readdirSync(root).toSorted()).toEqual(['bin', 'dev', 'proc', 'sys', 'tmp']);
    expect(readdirSync(join(root, 'dev'))).toEqual([]);
  });

  it.each(['tmp', 'proc', 'dev'])('is refused when its /%s is a symbolic link', async (name) => {
    const others = ['proc', 'dev', 'sys', 'tmp'].filter((each) => each !== name);
    const root = await makeRoot(`linked-${name}`, others);
    const outside = join(folder, `outside-${name}`);
    await mkdir(outside);
    await symlink(outside, join(root, name));
    expect(await run(root, 'id')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(`its /${name} is a symbolic link`),
    });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe.skipIf(missing !== undefined)('a run that a signal ends', () => {
  const started = async () => {
    const marker = `marker-${randomBytes(8).toString('hex')}`;
    const sleep = `import time; print("${marker}", flush=True); time.sleep(600)`;
    const child = startWard(['sandbox', 'run', 'python:3.13', '--', 'python3', '-c', sleep]);
    if (!child.stdout) throw new Error('no stdout');
    await once(child.stdout, 'data');
    const pids = processesWith(marker);
    const cgroups = pids.flatMap(sandboxCgroups);
    expect(cgroups.length).toBeGreaterThan(0);
    return { child, marker, cgroups: [...new Set(cgroups)] };
  };
  const ids = (cgroups: readonly string[]) =>
    new Set(cgroups.map((path) => path.slice(path.lastIndexOf('/') + 1)));
  const stateOf = (id: string) =>
    ['/run/ward', ...readdirSync('/run/ward').map((name) => join('/run/ward', name))].flatMap((dir) =>
      ['bundles', 'crun', ''].map((sub) => join(dir, sub, id)).filter((path) => existsSync(path)),
    );

  const signals: [signal: NodeJS.Signals, exitCode: number][] = [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ];
  it.each(signals)('%s: exit code %d, and nothing is left', async (signal, expected) => {
    const { child, marker, cgroups } = await started();
    child.kill(signal);
    const [exitCode] = await once(child, 'exit');
    expect(exitCode).toBe(expected);
    expect(processesWith(marker)).toEqual([]);
    expect(cgroups.filter((path) => existsSync(path))).toEqual([]);
    for (const id of ids(cgroups)) {
      expect(stateOf(id)).toEqual([]);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(id);
    }
  });

  it('kill -9: its processes end, and a later run removes the rest', async () => {
    const { child, marker, cgroups } = await started();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => processesWith(marker)).toEqual([]);
    // Names of runs are reused, the lowest free one first; other tests may have runs at the same time.
    await expect
      .poll(
        async () => {
          await python('');
          return cgroups.filter((path) => existsSync(path));
        },
        { timeout: 20_000 },
      )
      .toEqual([]);
  });
});

describe.skipIf(missing !== undefined)('ward sandbox explain', () => {
  it('prints a line for each mechanism, and what flags change', async () => {
    const { code, stdout } = await runWard([
      'sandbox',
      'explain',
      '-o',
      'json',
      '--memory',
      '64m',
      'python:3.13',
    ]);
    expect(code).toBe(0);
    const lines: { mechanism: string; vector: string; value: string }[] = JSON.parse(stdout);
    const values = Object.fromEntries(lines.map(({ mechanism, value }) => [mechanism, value]));
    expect(values).toMatchObject({
      'memory-limit': expect.stringContaining('64 MiB'),
      seccomp: expect.any(String),
      'user-namespace': expect.any(String),
      'network-namespace': expect.any(String),
      landlock: expect.any(String),
    });
    expect(new Set(lines.map(({ vector }) => vector))).toEqual(
      new Set(['noisy neighbours', 'within containers', 'external world']),
    );
  });

  it('refuses what `run` refuses', async () => {
    expect(await runWard(['sandbox', 'explain', '--cap-add', 'sys_admin'])).toMatchObject({ code: 3 });
  });
});

/** Processes inside sandboxes with this text in their command line, without Ward's own. */
function processesWith(marker: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return (
        readFileSync(`/proc/${name}/cmdline`, 'utf8').startsWith('python3\0') &&
        readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(marker)
      );
    } catch {
      return false;
    }
  });
}

/** Folders of a process's cgroups below Ward's own, in every hierarchy. */
function sandboxCgroups(pid: string): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', ...path] = line.split(':');
    const at = path.join(':').indexOf('/ward/');
    if (at < 0) return [];
    const below = path.join(':').slice(at);
    const roots = [
      '/sys/fs/cgroup',
      ...controllers.split(',').map((name) => `/sys/fs/cgroup/${name.replace('name=', '')}`),
    ];
    return roots.map((root) => join(root, below)).filter((each) => existsSync(each));
  });
}
