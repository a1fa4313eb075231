/** Learned seccomp profiles: records what an action's calls need in real sandboxes, and enforces it afterwards. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun, startCommand, unownedId } from '../src/lib/index.ts';
import { expectNoRights, processesBelow } from './processes.ts';
import { missingForSandboxes, outsideEnv, Ward } from './ward.ts';

const missing = missingForSandboxes();

/** Makes a folder or a file, or reads a directory, as its parameters say. */
const files = `const fs = require('fs');
exports.main = ({ make, wait }) => {
  try {
    if (make === 'folder') fs.mkdirSync('/tmp/' + Math.random());
    if (make === 'link') fs.symlinkSync('/tmp/a', '/tmp/' + Math.random());
  } catch (error) {
    return { refused: error.code };
  }
  return { made: make ?? 'nothing' };
}`;
const python = `import os, threading, gc
def main(args):
    done = []
    threads = [threading.Thread(target=lambda: done.append(1)) for _ in range(3)]
    for each in threads: each.start()
    for each in threads: each.join()
    gc.collect()
    try:
        os.chmod("/tmp", 0o700) if args.get("chmod") else None
    except OSError as error:
        return {"errno": error.errno, "threads": len(done)}
    return {"threads": len(done)}
`;

describe.skipIf(missing !== undefined)(`learning${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let folder: string;
  beforeAll(async () => {
    ward = await Ward.start();
    folder = await mkdtemp(join(tmpdir(), 'ward-learn-'));
    await ward.deploy('files', files);
    await ward.deploy('py', python, { kind: 'python:3.13' });
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

  const words = (...args: string[]) => ['sandbox', 'learn', '--data', ward.dataDir, ...args];
  const learn = (...args: string[]) => ward.cli(words(...args));
  const resultOf = async (name: string, payload: object) =>
    (await ward.invoke(name, payload)).body.response?.result;

  it('a profile has what the calls needed, and nothing else', async () => {
    const calls = join(ward.dataDir, 'calls.ndjson');
    await writeFile(calls, '{"make":"folder"}\n\n{"make":"nothing"}\n');
    const file = join(ward.dataDir, 'profile.json');
    const { code, stdout, stderr } = await learn('files', '--calls', calls, '--write', file, '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const learned = JSON.parse(stdout);
    expect(learned.calls).toBe(2);
    expect(learned.removed).toEqual(
      expect.arrayContaining(['symlink', 'symlinkat', 'bind', 'listen', 'chmod']),
    );
    expect(learned.removed).not.toContain('mkdir');
    expect(learned.profile.syscalls[0].names).toEqual(
      expect.arrayContaining(['mkdir', 'futex', 'exit_group']),
    );
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(learned.profile);
  });

  it('enforced, the profile allows nothing else, and other annotations stay', async () => {
    await ward.request('PUT', '/api/v1/namespaces/_/actions/files?overwrite=true', {
      body: { annotations: [{ key: 'description', value: 'mine' }] },
    });
    const { code, stderr } = await learn('files', '-p', 'make', 'folder', '--enforce');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/updated action files/),
    });
    const { body } = await ward.request('GET', '/api/v1/namespaces/_/actions/files');
    expect(body.annotations).toContainEqual({ key: 'description', value: 'mine' });
    expect(await resultOf('files', { make: 'folder' })).toEqual({ made: 'folder' });
    expect(await resultOf('files', { make: 'nothing' })).toEqual({ made: 'nothing' });
    expect(await resultOf('files', { make: 'link' })).toEqual({ refused: 'EPERM' });
  });

  it('Python with threads and a collection of garbage goes on under its own profile', async () => {
    expect(await learn('py', '--enforce')).toMatchObject({ code: 0 });
    for (let count = 0; count < 3; count++) expect(await resultOf('py', {})).toEqual({ threads: 3 });
    expect(await resultOf('py', { chmod: true })).toEqual({ threads: 3, errno: 1 });
  });

  it('a call that fails teaches nothing', async () => {
    await ward.deploy('bad', 'exports.main = () => { throw new Error("no"); }');
    const { code, stderr } = await learn('bad', '--enforce');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/LEARNING_FAILED.*call 1/),
    });
  });

  /** Resolves once the call runs. */
  async function beginLearning() {
    const launcher = join(import.meta.dirname, '../bin/ward.mjs');
    const output = join(folder, 'never.json');
    const child = startCommand([process.execPath, launcher, ...words('waits', '--write', output)], {
      stdio: 'ignore',
      env: { ...outsideEnv(), WARD_APIHOST: ward.url, WARD_AUTH: ward.auth, SECRET_OF_ROOT: '1' },
    });
    const ended = once(child, 'exit');
    const top = child.pid ?? 0;
    const sandboxes = () => programsOf(top);
    await ward.until(() => sandboxes().length > 0);
    return { top, ended, sandboxes, output };
  }

  it('root records, and a process without rights makes the calls and reads the recording', async () => {
    const { top, ended, output } = await beginLearning();
    try {
      const [keeper, half] = processesBelow(top, 'learn');
      await expectNoRights(half);
      expect(keeper.status['CapEff']).not.toBe('0000000000000000');
      expect(readFileSync(`/proc/${half.pid}/environ`, 'utf8')).not.toContain('SECRET_OF_ROOT');
    } finally {
      process.kill(top, 'SIGTERM');
      await ended;
    }
    // A failed recording writes no profile.
    expect(existsSync(output)).toBe(false);
  });

  it.each([
    ['the half without rights', 1],
    ['root’s half', 0],
  ] as const)('kill -9 of %s leaves no sandbox', async (_, index) => {
    const { top, ended, sandboxes } = await beginLearning();
    const pids = sandboxes();
    process.kill(processesBelow(top, 'learn')[index].pid, 'SIGKILL');
    expect(await ended).toEqual([137, null]);
    await expect.poll(() => pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  it('the profile belongs to the user who asked for it', async () => {
    const person = unownedId();
    const own = join(folder, 'own');
    await mkdir(own);
    await chown(own, person, person);
    await chmod(folder, 0o755);
    const env = { SUDO_UID: String(person), SUDO_GID: String(person) };
    const learnInto = async (path: string, more: NodeJS.ProcessEnv = {}) => {
      const result = await ward.cli(words('quick', '--write', path), more);
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

  it('files that only root can read are the calls', async () => {
    const calls = join(folder, 'calls.ndjson');
    await writeFile(calls, '{"a":1}\n{"a":2}\n', { mode: 0o600 });
    const { code, stdout } = await learn('quick', '--calls', calls, '-P', calls, '-o', 'json');
    expect({ code, stdout }).toMatchObject({ code: 2 });
    const parameters = join(folder, 'parameters.json');
    await writeFile(parameters, '{"b":1}', { mode: 0o600 });
    const good = await learn('quick', '--calls', calls, '-P', parameters, '-o', 'json');
    expect(good).toMatchObject({ code: 0 });
    expect(JSON.parse(good.stdout).calls).toBe(2);
  });

  it('recordings leave nothing behind, also those that were killed', async () => {
    // What a killed one leaves: the next one seldom gets its number.
    await inTracefs('mkdir -p instances/ward-run-255');
    await mkdir('/run/ward/learn/run-255', { recursive: true });
    expect(await learn('quick', '-o', 'json')).toMatchObject({ code: 0 });
    const left = async () => [
      ...(await inTracefs('ls instances')).split('\n').filter((name) => name.startsWith('ward-')),
      ...readdirSync('/run/ward/learn'),
    ];
    // A server that starts at this moment removes them too.
    await expect.poll(left).toEqual([]);
  });
});

function inTracefs(command: string): Promise<string> {
  const script = `mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing && ${command}`;
  return mustRun(['unshare', '--mount', 'sh', '-c', script]);
}

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
