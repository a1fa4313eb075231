/** Boots the system once, in an emulated machine, and reads the output of the test inside. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lib/index.ts';
import { projectRoot } from './cache.ts';
import type { System } from './system.ts';

export const lsms = ['apparmor', 'selinux'] as const;
export type Lsm = (typeof lsms)[number];

export interface Machine {
  readonly system: System;
  readonly packagesDisk: string;
  readonly projectDisk: string;
}

export interface BootResult {
  /** Text of the second serial line: the test's own output. */
  readonly output: string;
  /** Output of the kernel and the start. */
  readonly console: string;
  readonly seconds: number;
}

const commandLine: Readonly<Record<Lsm, string>> = {
  apparmor: 'lsm=landlock,lockdown,yama,apparmor,bpf apparmor=1',
  selinux: 'lsm=landlock,lockdown,yama,selinux,bpf selinux=1 enforcing=1',
};
/** Far more than the test takes: only a hanging test reaches it. */
const timeoutMs = 900_000;

/** One processor each: two machines share this one's processors, and emulated spin locks are slow. */
export async function boot(machine: Machine, lsm: Lsm, folder: string): Promise<BootResult> {
  const startedAt = performance.now();
  const outputFile = join(folder, `${lsm}.output`);
  const consoleFile = join(folder, `${lsm}.console`);
  for (const file of [outputFile, consoleFile]) await writeFile(file, '');
  const argv = [
    ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '2048'],
    ...['-nographic', '-no-reboot', '-nodefaults'],
    ...['-serial', `file:${consoleFile}`, '-serial', `file:${outputFile}`],
    ...['-kernel', machine.system.kernel, '-initrd', machine.system.initramfs],
    ...[machine.system.disk, machine.packagesDisk, machine.projectDisk].flatMap(drive),
    ...[
      '-append',
      `console=ttyS0 panic=-1 loglevel=3 ${commandLine[lsm]} ward.lsm=${lsm} ward.root=${projectRoot}`,
    ],
  ];
  const ran = await runCommand(argv, { timeoutMs, env: { ...process.env, TMPDIR: folder } });
  return {
    output: await readFile(outputFile, 'utf8'),
    console: `${await readFile(consoleFile, 'utf8')}${ran.stderr}`,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** Discards writes, so that two machines can share it. */
function drive(file: string): string[] {
  return ['-drive', `file=${file},if=virtio,format=raw,snapshot=on`];
}
