/** Another user of the machine, while Ward runs functions, can find no code, open no file and hold no lock. */
import { existsSync, statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { missingForOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ?? missingForOneMachine('the folder of one Ward has the code that it runs');
const mark = 'nobody-else-reads-this-code';
const stranger = [
  'setpriv',
  '--reuid',
  '64123',
  '--regid',
  '64123',
  '--clear-groups',
  '/usr/bin/python3',
  '-c',
];

/** Tries, as a user, every name in the mount tables of all processes: as a path, and through a process. */
const search = `
import glob, json, os, re, sys
wanted, mark = sys.argv[1], sys.argv[2]
told, opened, marked = set(), set(), []
def look(path):
    try:
        entries = os.listdir(path)
        opened.add(path)
    except NotADirectoryError: entries = None
    except OSError: entries = []
    names = [path] if entries is None else [os.path.join(path, name) for name in entries]
    names += [os.path.join(path, name) for name in ("index.js", "exec__.js", "main.js", "action.js", "exec", "fn", "code")]
    for name in names:
        try:
            with open(name, "rb") as file:
                opened.add(name)
                if mark.encode() in file.read(1 << 20): marked.append(name)
        except OSError: pass
for table in glob.glob("/proc/[0-9]*/mountinfo"):
    try: lines = open(table).read().split("\\n")
    except OSError: continue
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 5: continue
        for path in (fields[3], fields[4]):
            if wanted in path: told.add(path)
for path in sorted(told):
    look(path)
    for root in glob.glob("/proc/[0-9]*/root"): look(root + path)
for place in glob.glob("/proc/[0-9]*/cwd") + [p + "/fn" for p in glob.glob("/proc/[0-9]*/root")]:
    look(place)
print(json.dumps({"told": sorted(told), "opened": sorted(p for p in opened if wanted in p), "marked": marked}))
`;

describe.skipIf(missing !== undefined)(`another user of the machine${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  beforeAll(async () => {
    ward = await Ward.start();
    const code = `/* ${mark} */ exports.main = async ({ n }) => ({ n });`;
    await ward.deploy('secret', code);
    expect((await ward.invoke('secret', { n: 1 })).body.response.result).toEqual({ n: 1 });
    // Ward's own folders must keep others out, so the test's folder above them is open.
    for (let above = dirname(ward.dataDir); above !== '/'; above = dirname(above)) {
      const { mode } = statSync(above);
      if ((mode & 0o001) === 0) await chmod(above, mode | 0o011);
    }
  });
  afterAll(() => ward?.[Symbol.asyncDispose]());

  const searchAs = async (prefix: readonly string[], wanted: string) => {
    const { code, stdout, stderr } = await runCommand([...prefix, search, wanted, mark]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };

  it('learns the names of code folders from mount tables, and can’t open any', async () => {
    const places = [ward.dataDir, `/run/ward/${ward.instance}`, '/laid/'];
    for (const wanted of places) {
      const { told, marked } = await searchAs(stranger, wanted);
      expect(told.length, wanted).toBeGreaterThan(0);
      expect(marked).toEqual([]);
    }
    // Root finds the code by the same names.
    const { marked } = await searchAs(['/usr/bin/python3', '-c'], '/laid/');
    expect(marked.length).toBeGreaterThan(0);
  });

  it('can’t list or open anything of its folders', async () => {
    const walk = `
import json, os, sys
found = []
for top in sys.argv[1:]:
    for folder, folders, files in os.walk(top):
        for name in files:
            try: open(os.path.join(folder, name), "rb").close(); found.append(os.path.join(folder, name))
            except OSError: pass
        found.append(folder)
print(json.dumps(found))
`;
    const tops = [ward.dataDir, `/run/ward/${ward.instance}`, '/run/ward/locks', '/run/ward/uid-windows'];
    const { stdout } = await runCommand([...stranger, walk, ...tops]);
    expect(JSON.parse(stdout)).toEqual([]);
    const asRoot = JSON.parse((await runCommand(['/usr/bin/python3', '-c', walk, ...tops])).stdout);
    expect(asRoot.length).toBeGreaterThan(10);
  });

  it('can’t open its lock by name', async () => {
    const tries = `
import sys
for path in sys.argv[1:]:
    try: open(path, "rb"); print("opened", path)
    except OSError as error: print(type(error).__name__)
`;
    const locks = [
      join(ward.dataDir, 'ward.lock'),
      `/run/ward/locks/${ward.instance}`,
      '/run/ward/uid-windows/0.lock',
    ];
    expect(locks.filter((path) => !existsSync(path))).toEqual([]);
    const { stdout } = await runCommand([...stranger, tries, ...locks]);
    expect(stdout.trim().split('\n')).toEqual(locks.map(() => 'PermissionError'));
  });
});
