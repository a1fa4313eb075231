/** Reads in this process, for a command that has nothing else to do. Loads the readers at the first scan. */
import type { InspectorSet } from '../types.ts';
import type { Analyst } from './jobs.ts';
import { withinTime } from './time-limit.ts';

/** @param timeoutMs for each layer, folder, code or configuration; checked only between files */
export function analystHere({ files, config }: InspectorSet, timeoutMs: number): Analyst {
  const load = async () => {
    const reading = await import('./reading.ts');
    return { ...reading, analysers: reading.analysersWith(files) };
  };
  return {
    revision: async () => {
      const { revisionOf, analysers } = await load();
      return revisionOf(analysers, config);
    },
    layer: async (layer, signal) => {
      const { readLayer, analysers } = await load();
      return withinTime(timeoutMs, signal, (end) => readLayer(layer, analysers, end));
    },
    folder: async (dir, signal) => {
      const { readFolder, analysers } = await load();
      return withinTime(timeoutMs, signal, (end) => readFolder(dir, analysers, end));
    },
    code: async (code, kind, signal) => {
      const { readCode, analysers } = await load();
      return withinTime(timeoutMs, signal, (end) => readCode(code, kind, analysers, end));
    },
    config: async (image, signal) => {
      const { inspectConfig } = await load();
      return withinTime(timeoutMs, signal, async () => inspectConfig(image, config));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
