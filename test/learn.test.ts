/** Learned seccomp profiles: records what an action's calls need in real sandboxes, and enforces it afterwards. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { missingForSandboxes, Ward } from './ward.ts';

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
  beforeAll(async () => {
    ward = await Ward.start();
    await ward.deploy('files', files);
    await ward.deploy('py', python, { kind: 'python:3.13' });
  });
  afterAll(() => ward[Symbol.asyncDispose]());

  const learn = (...args: string[]) => ward.cli(['sandbox', 'learn', '--data', ward.dataDir, ...args]);
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

  it('recordings leave nothing behind', async () => {
    const list = 'mount -t tracefs none /sys/kernel/tracing && ls /sys/kernel/tracing/instances';
    const { stdout, code } = await runCommand(['unshare', '--mount', 'sh', '-c', list], {
      timeoutMs: 10_000,
    });
    expect({ code, left: stdout.split('\n').filter((name) => name.startsWith('ward-')) }).toEqual({
      code: 0,
      left: [],
    });
    expect(existsSync('/run/ward/learn') ? readdirSync('/run/ward/learn') : []).toEqual([]);
  });
});
