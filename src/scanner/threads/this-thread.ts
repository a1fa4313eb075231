/** Reads in the thread that asks: for a command that has nothing else to do. */
import { readCode } from '../code.ts';
import type { Analysers } from '../collect/collector.ts';
import { readFolder } from '../folder.ts';
import { revisionOf } from '../layers/cache.ts';
import { readLayer } from '../layers/read-layer.ts';
import type { Analyst } from './jobs.ts';
import { withinTime } from './time-limit.ts';

/** @param timeoutMs For each layer, folder or code. It is looked at between files only. */
export function analystHere(analysers: Analysers, timeoutMs: number): Analyst {
  return {
    revision: async () => revisionOf(analysers),
    layer: (layer, signal) => withinTime(timeoutMs, signal, (end) => readLayer(layer, analysers, end)),
    folder: (dir, signal) => withinTime(timeoutMs, signal, (end) => readFolder(dir, analysers, end)),
    code: (code, kind, signal) =>
      withinTime(timeoutMs, signal, (end) => readCode(code, kind, analysers, end)),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
