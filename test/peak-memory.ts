/** How much memory a process has had at most, with those that it has started and that still run. */
import { readFile } from 'node:fs/promises';

/** In MiB. What they all have mapped, which is the program itself, is counted once. */
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
