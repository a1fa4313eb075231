/** A plain file of the suite's own in the place of devices and secrets of the host: to be opened and no more. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One for each technique that goes for such things. */
export const decoyDevices: readonly string[] = [
  ...[
    'mem',
    'port',
    'kmsg',
    'tty0',
    'vda',
    'loop0',
    'btrfs-control',
    'fuse',
    'kvm',
    'net/tun',
    'uinput',
    'fb0',
  ],
  ...['userfaultfd', 'i2c-0', 'cpu_dma_latency', 'rtc0'],
].map((name) => `/dev/${name}`);

export const decoyFiles: readonly string[] = ['/etc/machine-id'];

/** Everybody may read and write it. It goes with the folder. */
export async function makeDecoy(folder: string): Promise<string> {
  const file = join(folder, 'decoy');
  await writeFile(file, 'decoy');
  await chmod(file, 0o666);
  return file;
}
