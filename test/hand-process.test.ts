/** Commands that make sandboxes, run by root: their two processes, and what they leave behind. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand, unownedId } from '../src/lib/index.ts';
import { expectNoRights, processesBelow } from './processes.ts';
import { imagesDir, missingForSandboxes, outsideEnv, runWard, startWard, Ward } from './ward.ts';

const missing = missingForSandboxes();
const busybox = '/bin/busybox';
const zeros = '0000000000000000';

/** A run's state folder, and the control groups and processes of its sandbox. */
interface Begun {
  readonly top: number;
  readonly instance: string;
  readonly groups: readonly string[];
  readonly programs: readonly number[];
}

function groupsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', ...path] = line.split(':');
    const at = path.join(':').indexOf('/ward/');
    if (at < 0) return [];
    const mounts = ['', ...controllers.split(',').map((name) => name.replace('name=', ''))];
    return mounts
      .map((name) => join('/sys/fs/cgroup', name, path.join(':').slice(at)))
      .filter((each) => existsSync(each));
  });
}

function programsWith(marker: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return words[0] === 'python3' && words.some((word) => word.includes(marker)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Resolves once its program has reported that it runs. */
async function begin(program = 'time.sleep(600)'): Promise<Begun & { readonly ended: Promise<unknown[]> }> {
  const marker = randomBytes(8).toString('hex');
  const code = `import sys, time; print("${marker}", flush=True); ${program}`;
  const child = startWard(['sandbox', 'run', 'python:3.13', '--', 'python3', '-c', code]);
  const ended = once(child, 'exit');
  if (child.stdout) await once(child.stdout, 'data');
  const programs = programsWith(marker);
  const groups = [...new Set(programs.flatMap(groupsOf))];
  const instance = /\/ward\/(run-\d+)\//.exec(groups[0] ?? '')?.[1] ?? '';
  return { top: child.pid ?? 0, instance, groups, programs, ended };
}

const isThere = (pid: number) => existsSync(`/proc/${pid}`);

describe.skipIf(missing !== undefined)(`commands by hand${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-hand-'));
    await chmod(folder, 0o700);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('sandbox run: root makes the sandbox, and a process without rights holds its streams; kill -9 of that one: root removes everything, and the exit code shows it', async () => {
    const { top, groups, programs, instance, ended } = await begin();
    const [keeper, half] = processesBelow(top, 'run');
    try {
      await expectNoRights(half);
      expect(keeper.status['CapEff']).not.toBe(zeros);
      const names = readFileSync(`/proc/${half.pid}/environ`, 'utf8')
        .split('\0')
        .map((entry) => entry.split('=')[0]);
      expect(names).not.toContain('WSK_CONFIG_FILE');
      expect(names).toContain('PATH');
      // The compile cache belongs to root: if the unprivileged half could write it, root would run it next time.
      const [uid = ''] = half.status['Uid']?.split('\t') ?? [];
      const caches = join(import.meta.dirname, '../node_modules/.cache/ward');
      const own = readdirSync(caches, { withFileTypes: true }).filter(({ name }) => name.endsWith(`-${uid}`));
      expect(own.map((entry) => entry.isSymbolicLink())).toEqual([true]);
    } finally {
      process.kill(half.pid, 'SIGKILL');
    }
    expect(await ended).toEqual([137, null]);
    expect(programs.filter(isThere)).toEqual([]);
    expect(groups.filter((each) => existsSync(each))).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(`/${instance}/`);
  });

  test('kill -9 of root’s half: the other half and the sandbox end with it, and a later run removes the rest', async () => {
    const { top, groups, programs, ended } = await begin();
    const [keeper, half] = processesBelow(top, 'run');
    process.kill(keeper.pid, 'SIGKILL');
    expect(await ended).toEqual([137, null]);
    await expect.poll(() => [half.pid, ...programs].filter(isThere)).toEqual([]);
    await expect
      .poll(
        async () => {
          await runWard(['sandbox', 'run', 'python:3.13', '--', 'python3', '-c', '0']);
          return groups.filter((each) => existsSync(each));
        },
        { timeout: 60_000 },
      )
      .toEqual([]);
  });

  test.skipIf(!existsSync('/usr/bin/script'))(
    '^C in a terminal ends it once everything is removed',
    async () => {
      const marker = randomBytes(8).toString('hex');
      const launcher = join(import.meta.dirname, '../bin/ward.mjs');
      const program = `import time; print("${marker}", flush=True); time.sleep(600)`;
      const words = [
        process.execPath,
        launcher,
        'sandbox',
        'run',
        'python:3.13',
        '--',
        'python3',
        '-c',
        program,
      ];
      const line = words.map((word) => `'${word}'`).join(' ');
      const child = startCommand(
        ['script', '--quiet', '--return', '--flush', '--command', line, '/dev/null'],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
          env: outsideEnv(),
        },
      );
      const ended = once(child, 'exit');
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk;
      });
      await expect.poll(() => said, { timeout: 60_000 }).toContain(marker);
      child.stdin?.write('\x03');
      expect(await ended).toEqual([130, null]);
      expect(programsWith(marker)).toEqual([]);
    },
  );

  test.skipIf(!existsSync(busybox))('a folder that only root can enter works as a root', async () => {
    const root = join(folder, 'root');
    for (const each of ['bin', 'proc', 'dev', 'sys', 'tmp'])
      await mkdir(join(root, each), { recursive: true });
    await cp(busybox, join(root, 'bin/busybox'));
    const words = ['sandbox', 'run', `rootfs:${root}`, '--', '/bin/busybox', 'id', '-u'];
    expect(await runWard(words)).toMatchObject({ code: 0, stdout: '1000\n' });
  });

  test('root opens the named files, and a process without rights reads them', async () => {
    const profile = join(folder, 'profile.json');
    await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW' }), { mode: 0o600 });
    const run = (file: string) =>
      runWard(['sandbox', 'run', '--seccomp', file, 'python:3.13', '--', 'python3', '-c', 'print(1)']);
    expect(await run(profile)).toMatchObject({ code: 0, stdout: '1\n' });
    await writeFile(profile, 'x'.repeat(1024 * 1024 + 1));
    expect(await run(profile)).toMatchObject({ code: 2, stderr: expect.stringMatching(/larger than 1 MiB/) });
  });

  test('an image layout below a closed folder works; its files must be readable for others', async () => {
    const layout = join(folder, 'layout');
    await mkdir(layout);
    for (const name of ['index.json', 'oci-layout']) await cp(join(imagesDir, name), join(layout, name));
    const run = () => runWard(['sandbox', 'run', `oci:${layout}:nope`, '--', 'python3', '-c', 'print(1)']);
    expect(await run()).toMatchObject({ code: 5, stderr: expect.stringMatching(/IMAGE_NOT_FOUND/) });
    await chmod(join(layout, 'index.json'), 0o600);
    await chown(join(layout, 'index.json'), 0, 0);
    expect(await run()).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/IMAGE_UNREADABLE.*\n.*chmod/),
    });
  });
});

describe.skipIf(missing !== undefined)('sandbox learn', () => {
  let ward: Ward;
  let folder: string;
  beforeAll(async () => {
    ward = await Ward.start();
    folder = await mkdtemp(join(tmpdir(), 'ward-learn-'));
    await ward.deploy(
      'waits',
      'exports.main = () => new Promise((resolve) => setTimeout(resolve, 50_000, {}))',
    );
    await ward.deploy('quick', 'exports.main = () => ({})');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const learn = (name: string, ...more: string[]) => [
    'sandbox',
    'learn',
    name,
    '--data',
    ward.dataDir,
    ...more,
  ];

  /** Resolves once the call runs. */
  async function beginLearning() {
    const launcher = join(import.meta.dirname, '../bin/ward.mjs');
    const output = join(folder, 'never.json');
    const child = startCommand([process.execPath, launcher, ...learn('waits', '--write', output)], {
      stdio: 'ignore',
      env: { ...outsideEnv(), WARD_APIHOST: ward.url, WARD_AUTH: ward.auth, SECRET_OF_ROOT: '1' },
    });
    const ended = once(child, 'exit');
    const top = child.pid ?? 0;
    const sandboxes = () => programsOf(top);
    await ward.until(() => sandboxes().length > 0);
    return { top, ended, sandboxes, output };
  }

  test('root records, and a process without rights makes the calls and reads the recording', async () => {
    const { top, ended, output } = await beginLearning();
    try {
      const [keeper, half] = processesBelow(top, 'learn');
      await expectNoRights(half);
      expect(keeper.status['CapEff']).not.toBe(zeros);
      expect(readFileSync(`/proc/${half.pid}/environ`, 'utf8')).not.toContain('SECRET_OF_ROOT');
    } finally {
      process.kill(top, 'SIGTERM');
      await ended;
    }
    // A failed recording writes no profile.
    expect(existsSync(output)).toBe(false);
  });

  test.each([
    ['the half without rights', 1],
    ['root’s half', 0],
  ] as const)('kill -9 of %s leaves no sandbox', async (_, index) => {
    const { top, ended, sandboxes } = await beginLearning();
    const pids = sandboxes();
    process.kill(processesBelow(top, 'learn')[index].pid, 'SIGKILL');
    expect(await ended).toEqual([137, null]);
    await expect.poll(() => pids.filter(isThere)).toEqual([]);
  });

  test('the profile belongs to the user who asked for it', async () => {
    const person = unownedId();
    const own = join(folder, 'own');
    await mkdir(own);
    await chown(own, person, person);
    await chmod(folder, 0o755);
    const env = { SUDO_UID: String(person), SUDO_GID: String(person) };
    const learnInto = async (path: string, more: NodeJS.ProcessEnv = {}) => {
      const result = await ward.cli(learn('quick', '--write', path), more);
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('syscalls');
      return (await stat(path)).uid;
    };
    expect(await learnInto(join(own, 'asked.json'), env)).toBe(person);
    expect(await learnInto(join(folder, 'root.json'))).toBe(0);
    // In root's folder, where the caller can't write.
    expect(await learnInto(join(folder, 'closed.json'), env)).toBe(0);
    // In another user's folder root leaves only what its owner can change.
    expect(await learnInto(join(own, 'as-owner.json'))).toBe(person);
  });

  test('files that only root can read are the calls', async () => {
    const calls = join(folder, 'calls.ndjson');
    await writeFile(calls, '{"a":1}\n{"a":2}\n', { mode: 0o600 });
    const { code, stdout } = await ward.cli(learn('quick', '--calls', calls, '-P', calls, '-o', 'json'));
    expect({ code, stdout }).toMatchObject({ code: 2 });
    const parameters = join(folder, 'parameters.json');
    await writeFile(parameters, '{"b":1}', { mode: 0o600 });
    const good = await ward.cli(learn('quick', '--calls', calls, '-P', parameters, '-o', 'json'));
    expect(good).toMatchObject({ code: 0 });
    expect(JSON.parse(good.stdout).calls).toBe(2);
  });
});

/** Programs in a run's sandboxes: descendants with a user id from a sandbox's range. */
function programsOf(top: number): number[] {
  const parents = new Map<number, { readonly parent: number; readonly uid: number }>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const text = readFileSync(`/proc/${name}/status`, 'utf8');
      const [, parent] = /^PPid:\t(\d+)/m.exec(text) ?? [];
      const [, uid] = /^Uid:\t(\d+)/m.exec(text) ?? [];
      parents.set(Number(name), { parent: Number(parent), uid: Number(uid) });
    } catch {}
  }
  const isBelow = (pid: number): boolean => {
    const above = parents.get(pid)?.parent;
    return above === top || (above !== undefined && above > 0 && isBelow(above));
  };
  return [...parents].filter(([pid, { uid }]) => uid > 100_000 && isBelow(pid)).map(([pid]) => pid);
}
