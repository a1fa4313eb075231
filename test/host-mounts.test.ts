/** The host's mounts and unmounts while Ward serves, and Ward's own mounts. */
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { type HostMounts, holdersOf, mountsOf, openHostMounts } from './host-mounts.ts';
import { missingForOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingForOneMachine('starts Ward in the mounts of one host');

const code = "function main() { return { has: require('fs').readdirSync('/fn') } }";

describe.skipIf(missing !== undefined)(`mounts of the host${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let host: HostMounts;
  let ward: Ward;
  let early: string;
  let before: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-host-mounts-'));
    await chmod(folder, 0o755);
    host = await openHostMounts();
    early = await host.mountTmpfs(join(folder, 'early'));
    before = host.table();
    ({ ward } = await Ward.startSaying({}, join(folder, 'data'), undefined, { mountsOf: host.pid }));
    await ward.deploy('look', code);
    await ward.invoke('look');
  });
  afterAll(async () => {
    await ward?.stop();
    await host?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const look = async (action = 'look') => (await ward.invoke(action)).body.response.result.has;
  const inSandboxes = () =>
    cgroupsOf(ward.instance)
      .flatMap((group) => readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n'))
      .filter(Boolean);

  it('are released when the host unmounts them, even if Ward started with them', async () => {
    expect(holdersOf(early).length).toBeGreaterThan(1);
    await host.run('umount', join(folder, 'early'));
    await ward.until(() => holdersOf(early).length === 0);
  });

  it('reach Ward later, reach no sandbox, and go away again', async () => {
    const late = await host.mountTmpfs(join(folder, 'late'));
    await look();
    const pids = inSandboxes();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) {
      const mounts = mountsOf(pid);
      expect(mounts.some((line) => line.split(' ')[2] === late)).toBe(false);
      // Mount events propagate neither in nor out.
      expect(mounts.filter((line) => / (?:shared|master|propagate_from):\d+ /.test(line))).toEqual([]);
    }
    expect(holdersOf(late).length).toBeGreaterThan(1);
    await host.run('umount', join(folder, 'late'));
    await ward.until(() => holdersOf(late).length === 0);
  });

  it('over the code of functions reach no sandbox, running or new', async () => {
    const laid = join(ward.dataDir, 'laid');
    const names = (await host.run('ls', laid)).split('\n').filter((name) => /^[0-9a-f]{16}$/.test(name));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      await host.mountTmpfs(join(laid, name));
      await host.run('touch', join(laid, name, 'planted'));
    }
    // A new sandbox with the same code, and so the same folder.
    await ward.deploy('again', code);
    expect([await look(), await look('again')]).toEqual([[expect.any(String)], [expect.any(String)]]);
    expect([...(await look()), ...(await look('again'))]).not.toContain('planted');
    for (const name of names) await host.run('umount', join(laid, name));
  });

  it('are the only ones on the host: none of Ward’s gets out', async () => {
    const withoutEarly = before.filter((line) => line.split(' ')[2] !== early);
    expect(host.table()).toEqual(withoutEarly);
  });
});
