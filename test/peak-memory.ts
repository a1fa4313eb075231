/** Peak memory of a process and of its running children. */
import { readFile } from 'node:fs/promises';

/** Peak in MiB. Counts once what all of them have mapped: the program itself. */
export async function peakMemoryMiB(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const own = await memoryOf(pid);
  const others = await Promise.all(children.trim().split(' ').filter(Boolean).map(Number).map(memoryOf));
  return others.reduce((sum, { peak, mapped }) => sum + peak - Math.min(mapped, own.mapped), own.peak);
}

async function memoryOf(pid: number) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { peak: mebibytes('VmHWM'), mapped: mebibytes('RssFile') };
}
