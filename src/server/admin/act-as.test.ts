/** The rights of this process and its threads, as the kernel reports them. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { actAsOwner, actingAsOwner } from './act-as.ts';

const owner = 4_000_004;
const group = 4_000_005;

/** Per thread: the user and group for file access, the supplementary groups, and the effective capabilities. */
function rights(): ReadonlySet<string> {
  const threads = readdirSync('/proc/self/task').map((thread) => {
    const text = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
    const [, uid] = /^Uid:.*\t(\d+)$/m.exec(text) ?? [];
    const [, gid] = /^Gid:.*\t(\d+)$/m.exec(text) ?? [];
    const [, groups = ''] = /^Groups:\t(.*)$/m.exec(text) ?? [];
    const [, effective = ''] = /^CapEff:\t(.*)$/m.exec(text) ?? [];
    // Node lists the main group among the supplementary ones.
    const further = groups.split(' ').filter((each) => each !== '' && each !== gid);
    return `${uid}:${gid} [${further}] ${BigInt(`0x${effective}`) === 0n ? 'none' : 'capable'}`;
  });
  return new Set(threads);
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-act-as-'));
  await chmod(folder, 0o711);
  const theirs = join(folder, 'data');
  await mkdir(theirs, { mode: 0o700 });
  await chown(theirs, owner, group);
  await writeFile(join(folder, 'root'), 'root alone', { mode: 0o600 });
  return { folder, theirs, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

describe.skipIf(process.geteuid?.() !== 0)('in another user’s folder', () => {
  test('every thread has that user’s rights and no capability, and root’s afterwards', async () => {
    await using at = await start();
    const before = rights();
    await actingAsOwner(at.theirs, async () => {
      await writeFile(join(at.theirs, 'a'), '');
      expect(rights()).toEqual(new Set([`${owner}:${group} [] none`]));
      await expect(readFile(join(at.folder, 'root'))).rejects.toMatchObject({ code: 'EACCES' });
    });
    expect(rights()).toEqual(before);
    const { uid, gid } = lstatSync(join(at.theirs, 'a'));
    expect([uid, gid]).toEqual([owner, group]);
  });

  test('work on the operator’s files has the original rights', async () => {
    await using at = await start();
    using acting = actAsOwner(at.theirs);
    expect(await acting.aside(() => readFile(join(at.folder, 'root'), 'utf8'))).toBe('root alone');
    const failing = acting.aside(() => Promise.reject(new Error('on purpose')));
    await expect(failing).rejects.toThrow('on purpose');
    await expect(readFile(join(at.folder, 'root'))).rejects.toMatchObject({ code: 'EACCES' });
  });

  test('a failure restores the rights', async () => {
    await using at = await start();
    const before = rights();
    const failing = actingAsOwner(at.theirs, () => Promise.reject(new Error('on purpose')));
    await expect(failing).rejects.toThrow('on purpose');
    expect(rights()).toEqual(before);
  });

  test('a folder of root or a missing one changes nothing', async () => {
    await using at = await start();
    const before = rights();
    for (const folder of [at.folder, '/nonexistent/ward'])
      await actingAsOwner(folder, async () => expect(rights()).toEqual(before));
  });
});
