/** Confined programs try what they can and can't do. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from './command.ts';
import { type Confinement, confine, findAbilities, readingPrograms, unownedId } from './confinement.ts';

const abilities = await findAbilities();
const folder = await mkdtemp(join(tmpdir(), 'ward-confinement-'));
afterAll(() => rm(folder, { recursive: true }));
const closed = join(folder, 'closed');
await mkdir(join(closed, 'below'), { recursive: true, mode: 0o700 });
for (const path of [join(closed, 'below/file'), join(folder, 'private')])
  await writeFile(path, 'content', { mode: 0o600 });
const open = join(folder, 'open');
await mkdir(open);
// Ignores the umask.
await chmod(open, 0o777);
const as = { uid: unownedId(), gid: unownedId() };

async function tried(what: readonly string[], confinement: Confinement): Promise<boolean> {
  return (await runCommand([...confine(confinement, abilities), ...what])).code === 0;
}

describe.runIf(abilities.canBecome)('a confined program', () => {
  it('runs as a user who owns nothing, in no group of the caller', async () => {
    const { stdout } = await runCommand([...confine({ as }, abilities), 'id']);
    expect(stdout.trim()).toBe(`uid=${as.uid} gid=${as.gid} groups=${as.gid}`);
  });

  it.each([
    ['read the password file', ['cat', '/etc/shadow']],
    ['read a file of the caller', ['cat', join(folder, 'private')]],
    ['signal a process of the caller', ['sh', '-c', `kill -0 ${process.pid}`]],
    [
      'write to a folder that everyone can write to',
      ['perl', '-e', 'mkdir $ARGV[0] and rmdir $ARGV[0] or exit 1', join(open, 'new')],
    ],
    ['become root again', ['setpriv', '--reuid', '0', '--', 'true']],
  ])('can not %s', async (_what, argv) => {
    // Root itself can.
    expect((await runCommand(argv)).code).toBe(0);
    expect(await tried(argv, { as })).toBe(false);
  });

  it.runIf(abilities.hasLandlock)(
    'reads the given closed folder, and less of the rest than other users',
    async () => {
      const file = ['cat', join(closed, 'below/file')];
      expect(await tried(file, { as })).toBe(false);
      expect(await tried(file, { as, reads: [closed] })).toBe(true);
      // Node does not start if it cannot read its own configuration.
      expect(await tried([process.execPath, '-e', '0'], { as, reads: [closed] })).toBe(true);
      for (const path of [join(folder, 'private'), '/etc/shadow', '/etc/passwd', '/proc/1/environ'])
        expect([path, await tried(['cat', path], { as, reads: [closed] })]).toEqual([path, false]);
      expect(await tried(['sh', '-c', `echo > ${closed}/new`], { as, reads: [closed] })).toBe(false);
    },
  );

  it.runIf(abilities.hasLandlock)(
    'can be given programs in a checkout that is closed to others',
    async () => {
      expect(await readingPrograms(as, import.meta.filename)).toBeUndefined();
      expect(await readingPrograms(as, join(closed, 'below/file'))).toEqual([]);
    },
  );
});

describe.runIf(abilities.hasFilter)('a program that a user without privileges confines', () => {
  const none = { ...abilities, canBecome: false, canDropCapabilities: false, canUnshare: false };
  const run = (confinement: Confinement, text: string) =>
    runCommand([...confine(confinement, none), 'perl', '-e', text]);
  const tries: Record<string, string> = {
    process: 'defined(my $child = fork) or die "$!"; exit if !$child; waitpid $child, 0',
    socket: 'socket(my $end, 2, 1, 0) or die "$!"',
    'user namespace': 'syscall(272, 0x10000000) == 0 or die "$!"',
  };

  it.each<[string, Confinement, ...string[]]>([
    ['without extra rights', {}],
    ['that starts processes', { startsProcesses: true }, 'process'],
    ['that uses a network', { opensSockets: true }, 'socket'],
  ])('%s can do what its work needs, and nothing else', async (_what, confinement, ...given) => {
    for (const [name, text] of Object.entries(tries)) {
      if (name === 'user namespace' && arch() !== 'x64') continue;
      const { code, stderr } = await run(confinement, text);
      const isGiven = given.includes(name);
      expect({ name, code: code === 0 }).toEqual({ name, code: isGiven });
      if (!isGiven) expect(stderr).toContain('Operation not permitted');
      // Nothing else denies it to the caller.
      expect((await runCommand(['perl', '-e', text])).code).toBe(0);
    }
  });
});

it('ids that own nothing are above all id ranges of sandboxes', () => {
  for (let round = 0; round < 1000; round++) {
    const id = unownedId();
    expect(id).toBeGreaterThanOrEqual(2 ** 32 - 2 ** 26);
    expect(id).toBeLessThan(2 ** 32 - 2 ** 16);
  }
});

it('without a temporary folder the search for abilities fails, and is repeated later', async () => {
  const program = `
    const { findAbilities } = await import(${JSON.stringify(new URL('./confinement.ts', import.meta.url).href)});
    const first = await findAbilities().then(() => 'found', (error) => error.code);
    process.env.TMPDIR = ${JSON.stringify(folder)};
    console.log(first, typeof (await findAbilities()).hasFilter);`;
  const { stdout } = await runCommand([process.execPath, '--input-type=module', '-e', program], {
    env: { ...process.env, TMPDIR: join(folder, 'nowhere') },
  });
  expect(stdout).toBe('ENOENT boolean\n');
});
