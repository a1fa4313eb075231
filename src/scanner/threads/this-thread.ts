/** Reads in the thread that asks: for a command that has nothing else to do. How to read is loaded when something is read. */
import type { FileInspector } from '../types.ts';
import type { Analyst } from './jobs.ts';
import { withinTime } from './time-limit.ts';

/** @param timeoutMs For each layer, folder or code. It is looked at between files only. */
export function analystHere(inspectors: readonly FileInspector[], timeoutMs: number): Analyst {
  const load = async () => {
    const reading = await import('./reading.ts');
    return { ...reading, analysers: reading.analysersWith(inspectors) };
  };
  return {
    revision: async () => {
      const { revisionOf, analysers } = await load();
      return revisionOf(analysers);
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
    [Symbol.asyncDispose]: async () => undefined,
  };
}
