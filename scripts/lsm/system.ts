/**
 * The system that Ward is tested on: Debian's cloud kernel, an initramfs that finds the disk, and a disk with Ward's
 * dependencies. Every file has an SELinux label, which mke2fs writes without support of this machine's kernel.
 */
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../src/lib/index.ts';
import { cached, projectRoot } from './cache.ts';

export interface System {
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
}

/** Id of the server's account, user and group, which owns the disk of images. */
export const accountId = 900;

const packages = [
  ...['apparmor', 'busybox-static', 'crun', 'kmod', 'runc', 'socat'],
  ...['attr', 'policycoreutils', 'selinux-policy-default'],
];
/** Modules in the order of loading: dependencies come first. */
const modules = ['drivers/block/virtio_blk', 'fs/overlayfs/overlay'];
const guestDir = join(import.meta.dirname, 'guest');
const accountModule = join(projectRoot, 'scripts/setup/account.mjs');
const { creationCommand } = await import(accountModule);
const policyModule = join(projectRoot, 'policies/selinux/ward.cil');
const timeoutMs = 600_000;

/** The cached system, created if it is missing. Calls `tell` for each step. */
export async function openSystem(tell: (step: string) => void): Promise<System> {
  const kernelPackage = await newestKernel();
  const dir = await cached({
    name: 'system',
    files: [
      ...['init.sh', 'start.sh'].map((name) => join(guestDir, name)),
      accountModule,
      policyModule,
      import.meta.filename,
    ],
    words: [kernelPackage, ...packages],
    make: (folder) => build(folder, kernelPackage, tell),
  });
  return {
    kernel: join(dir, 'vmlinuz'),
    initramfs: join(dir, 'initramfs'),
    disk: join(dir, 'disk.img'),
  };
}

async function build(folder: string, kernelPackage: string, tell: (step: string) => void): Promise<void> {
  tell(`downloading ${kernelPackage}`);
  const kernelDir = join(folder, 'kernel');
  await mkdir(kernelDir);
  await run(['apt-get', '-o', 'APT::Sandbox::User=root', 'download', '-qq', kernelPackage], folder);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get download did not download ${kernelPackage}`);
  await run(['dpkg-deb', '-x', archive, kernelDir], folder);
  const boot = join(kernelDir, 'boot');
  const image = (await readdir(boot)).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error(`${kernelPackage} has no kernel`);
  await rename(join(boot, image), join(folder, 'vmlinuz'));
  await makeInitramfs(folder, join(kernelDir, 'usr/lib/modules', image.slice('vmlinuz-'.length), 'kernel'));
  tell(`installing ${packages.join(', ')} into an empty Debian`);
  const system = join(folder, 'system');
  await run(
    [
      ...['mmdebstrap', '--variant=minbase', '--dpkgopt=force-unsafe-io', `--include=${packages.join(',')}`],
      ...['trixie', system, '-'],
    ],
    folder,
    await debianSources(),
  );
  const [useradd, ...words]: string[] = creationCommand({ hasGroup: false }).split(' ');
  await run(['chroot', system, String(useradd), '--uid', String(accountId), ...words], '/');
  await copyFile(join(guestDir, 'start.sh'), join(system, 'start.sh'));
  await chmod(join(system, 'start.sh'), 0o755);
  tell('labelling its files for SELinux, and creating its disk');
  await label(system);
  const disk = join(folder, 'disk.img');
  await run(['truncate', '-s', '900M', disk], folder);
  await run(['mke2fs', '-q', '-t', 'ext4', '-d', system, disk], folder);
  for (const name of ['kernel', 'system', archive]) await rm(join(folder, name), { recursive: true });
}

/** setfiles works in a chroot on any host: for a kernel without SELinux, labels are plain attributes. */
async function label(system: string): Promise<void> {
  const contexts = '/etc/selinux/default/contexts/files/file_contexts';
  await copyFile(policyModule, join(system, 'ward.cil'));
  await run(['chroot', system, 'semodule', '--noreload', '--install', '/ward.cil'], '/');
  await run(['chroot', system, 'setfiles', '-F', contexts, '/'], '/');
  const set = (type: string, ...paths: string[]) =>
    run(
      [
        'chroot',
        system,
        'setfattr',
        '-n',
        'security.selinux',
        '-v',
        `system_u:object_r:${type}:s0`,
        ...paths,
      ],
      '/',
    );
  await set('container_engine_exec_t', '/usr/bin/crun', '/usr/sbin/runc');
  await set('init_exec_t', '/start.sh');
}

async function makeInitramfs(folder: string, modulesDir: string): Promise<void> {
  const root = join(folder, 'initramfs.d');
  for (const name of ['bin', 'dev', 'proc', 'sys', 'mnt', 'modules'])
    await mkdir(join(root, name), { recursive: true });
  await copyFile('/usr/bin/busybox', join(root, 'bin/busybox'));
  await symlink('busybox', join(root, 'bin/sh'));
  for (const [index, name] of modules.entries()) {
    await run(
      [
        'sh',
        '-c',
        'xz -dc "$1" > "$2"',
        'sh',
        join(modulesDir, `${name}.ko.xz`),
        join(root, 'modules', `${index}.ko`),
      ],
      folder,
    );
  }
  await copyFile(join(guestDir, 'init.sh'), join(root, 'init'));
  await chmod(join(root, 'init'), 0o755);
  await run(
    [
      'sh',
      '-c',
      'cd "$1" && find . | busybox cpio -o -H newc | gzip -1 > "$2"',
      'sh',
      root,
      join(folder, 'initramfs'),
    ],
    folder,
  );
  await rm(root, { recursive: true });
}

async function newestKernel(): Promise<string> {
  const said = await mustRun(['apt-cache', 'depends', 'linux-image-cloud-amd64'], { timeoutMs });
  const name = /Depends: (linux-image-\S+)/.exec(said)?.[1];
  if (name === undefined) throw new Error('apt knows no linux-image-cloud-amd64: run apt-get update');
  return name;
}

/** The machine's own signed sources of Debian, for mmdebstrap. */
async function debianSources(): Promise<string> {
  const fields = ['CREATED_BY', 'ORIGIN', 'RELEASE', 'REPO_URI', 'COMPONENT', 'SIGNED_BY'];
  const format = fields.map((name) => `$(${name})`).join('\t');
  const targets = await mustRun(['apt-get', 'indextargets', '--format', format], { timeoutMs });
  const lines = targets.split('\n').flatMap((target) => {
    const [createdBy, origin, suite, uri, component, key] = target.split('\t');
    if (createdBy !== 'Packages' || origin !== 'Debian' || !suite?.startsWith('trixie')) return [];
    return [`deb ${key?.startsWith('/') ? `[signed-by=${key}] ` : ''}${uri} ${suite} ${component}`];
  });
  return `${[...new Set(lines)].join('\n')}\n`;
}

async function run(argv: readonly string[], cwd: string, input = ''): Promise<void> {
  await mustRun(argv, { cwd, input, timeoutMs, env: { ...process.env, LC_ALL: 'C' } });
}
