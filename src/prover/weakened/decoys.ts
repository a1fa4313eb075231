/** A plain file that stands in for devices and secrets of the host, so that opening it does no harm. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One path for each technique that opens such a device. */
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

/** Makes the file, which every user may read and write, in `folder`. */
export async function makeDecoy(folder: string): Promise<string> {
  const file = join(folder, 'decoy');
  await writeFile(file, 'decoy');
  await chmod(file, 0o666);
  return file;
}
