/** Commands that make sandboxes, run by root: their two processes, and what they leave behind. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../src/lib/index.ts';
import { expectNoRights, processesBelow } from './processes.ts';
import { imagesDir, missingForSandboxes, outsideEnv, runWard, startWard } from './ward.ts';

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
