/** Boots the system once, in an emulated machine, and hears what the test inside has to say. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lib/index.ts';
import type { Base } from './base.ts';

export type Lsm = 'apparmor' | 'selinux';

export interface BootResult {
  /** What was written to the second serial line: the test's own output. */
  readonly output: string;
  /** What the kernel and the start said. */
  readonly console: string;
}

const commandLine: Readonly<Record<Lsm, string>> = {
  apparmor: 'lsm=landlock,lockdown,yama,apparmor,bpf apparmor=1',
  selinux: 'lsm=landlock,lockdown,yama,selinux,bpf selinux=1 enforcing=0',
};
const timeoutMs = 420_000;

export async function boot(base: Base, projectDisk: string, lsm: Lsm, folder: string): Promise<BootResult> {
  const outputFile = join(folder, `${lsm}.output`);
  await writeFile(outputFile, '');
  const argv = [
    ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-serial', `file:${outputFile}`],
    ...['-kernel', base.kernel, '-initrd', base.initramfs],
    // What is written to them is forgotten.
    ...['-drive', `file=${base.disk},if=virtio,format=raw,snapshot=on`],
    ...['-drive', `file=${projectDisk},if=virtio,format=raw,snapshot=on`],
    ...['-append', `console=ttyS0 panic=-1 loglevel=3 ${commandLine[lsm]} ward.lsm=${lsm}`],
  ];
  const ran = await runCommand(argv, { timeoutMs, env: { ...process.env, TMPDIR: folder } });
  const output = await readFile(outputFile, 'utf8');
  await rm(outputFile);
  return { output, console: `${ran.stdout}${ran.stderr}` };
}
