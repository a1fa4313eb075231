/**
 * Hostile images: links where the runtime, as root, mounts or opens something (the bugs of runc in 2025), devices and
 * set-uid programs. The links lead to decoys, so that nothing of the host can change.
 */
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault, mustRun } from '../../lib/index.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, HostTechnique, Technique } from '../types.ts';

const head = { vector: 'escape', control: 'image-check' } as const;

const targets = ['dev', 'proc', 'sys', 'tmp', 'fn', 'ward'] as const;
const devices = [
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
  'console',
  'ptmx',
  'pts',
  'shm',
  'mqueue',
  'fd',
] as const;

export const imageTechniques: readonly Technique[] = [
  ...targets.map(
    (target): HostTechnique => ({
      ...head,
      name: `image-${target}-link`,
      title: `replace /${target} in an image with a link for the runtime to follow`,
      reference: 'CVE-2025-31133, CVE-2025-52881',
      expects: ['refused'],
      run: (context) => linkTo(context, (layer, decoy) => symlink(decoy, join(layer, target))),
    }),
  ),
  {
    ...head,
    control: 'minimal-dev',
    name: 'image-device-links',
    title: 'replace /dev/null, /dev/console and other devices in an image with links',
    reference: 'CVE-2025-31133, CVE-2025-52565',
    expects: ['refused'],
    run: (context) =>
      linkTo(context, async (layer, decoy) => {
        await mkdir(join(layer, 'dev'));
        for (const name of devices) await symlink(join(decoy, 'file'), join(layer, 'dev', name));
      }),
  },
  {
    ...head,
    control: 'hidden-proc',
    name: 'image-proc-files',
    title: 'put links in an image where the runtime masks and reads /proc',
    reference: 'CVE-2025-52881, CVE-2019-19921',
    expects: ['refused'],
    run: (context) =>
      linkTo(context, async (layer, decoy) => {
        await mkdir(join(layer, 'proc', 'self', 'attr'), { recursive: true });
        for (const name of ['kcore', 'keys', 'sysrq-trigger', 'self/attr/exec', 'self/fd', 'self/uid_map']) {
          await symlink(join(decoy, 'file'), join(layer, 'proc', name));
        }
      }),
  },
  {
    ...head,
    control: 'minimal-dev',
    name: 'image-device-nodes',
    title: 'put devices for the host’s memory and disks in an image',
    reference: 'mount(2) MS_NODEV, mknod(2)',
    expects: ['EACCES', 'EPERM', 'ENXIO'],
    run: bringDevices,
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'image-setuid',
    title: 'put a root-owned set-uid program in an image',
    reference: 'mount(2) MS_NOSUID, execve(2)',
    expects: ['refused', 'EACCES', 'EPERM'],
    run: bringSetuid,
  },
  {
    ...head,
    control: 'request-check',
    name: 'image-passwd-pipe',
    title: 'replace /etc/passwd in an image with a pipe, so that a runtime that reads it waits forever',
    reference: 'fifo(7), CVE-2022-29162',
    expects: ['refused'],
    timeoutMs: 15_000,
    run: bringPipe,
  },
];

/** Starts a sandbox from the image, and checks the decoy afterwards. */
async function linkTo(
  { rootWith, run }: HostContext,
  change: (layer: string, decoy: string) => Promise<void>,
): Promise<AttackAnswer> {
  const decoy = await mkdtemp(join(tmpdir(), 'ward-prove-decoy-'));
  try {
    await chmod(decoy, 0o777);
    const file = join(decoy, 'file');
    await writeFile(file, 'untouched');
    await chmod(file, 0o666);
    const before = await stat(file);
    const answer = await rootWith((layer) => change(layer, decoy))
      .then((rootDir) => run(programText('escape/image-links'), { rootDir }))
      .catch(refusal);
    const after = await stat(file).catch(() => undefined);
    const isSame = after?.mode === before.mode && after.uid === before.uid && after.ino === before.ino;
    if (!isSame || (await readFile(file, 'utf8')) !== 'untouched') {
      return { outcome: 'ESCAPED', detail: 'a file of the host was changed through a link of the image' };
    }
    return answer;
  } finally {
    await rm(decoy, { recursive: true, force: true });
  }
}

function refusal(error: unknown): AttackAnswer {
  if (isFault(error)) return { outcome: 'BLOCKED', answer: 'refused', detail: error.message };
  throw error;
}

async function bringDevices({ rootWith, run }: HostContext): Promise<AttackAnswer> {
  const nodes = [
    ['memory', 'c', '1', '1'],
    ['log', 'c', '1', '11'],
    ['disk', 'b', '254', '0'],
  ] as const;
  const rootDir = await rootWith(async (layer) => {
    await mkdir(join(layer, 'opt'));
    for (const [name, kind, major, minor] of nodes) {
      await mustRun(['mknod', '--mode=0666', join(layer, 'opt', name), kind, major, minor]);
    }
  });
  return await run(programText('escape/image-device-nodes'), {
    rootDir,
    more: { nodes: nodes.map(([name]) => name) },
  });
}

async function bringSetuid({ rootWith, run, rootDir: original }: HostContext): Promise<AttackAnswer> {
  const rootDir = await rootWith(async (layer) => {
    await mkdir(join(layer, 'opt'));
    const tool = join(layer, 'opt', 'tool');
    await copyFile(join(original, 'usr/bin/python3.13'), tool);
    await chmod(tool, 0o6755);
  });
  return await run(programText('escape/image-setuid'), { rootDir });
}

async function bringPipe({ rootWith, run }: HostContext): Promise<AttackAnswer> {
  const rootDir = await rootWith(async (layer) => {
    await mkdir(join(layer, 'etc'));
    await mustRun(['mkfifo', '--mode=0666', join(layer, 'etc', 'passwd')]);
    await mustRun(['mkfifo', '--mode=0666', join(layer, 'etc', 'group')]);
  });
  return await run(programText('escape/image-links'), { rootDir }).catch(refusal);
}
