/** Exports all readers. Loaded at the first scan, in the process that reads. */
import type { Analysers } from '../collect/collector.ts';
import { catalogers } from '../inventory/catalogers.ts';
import type { FileInspector } from '../types.ts';

export { readCode } from '../code.ts';
export { inspectConfig } from '../config.ts';
export { readFolder } from '../folder.ts';
export { revisionOf } from '../layers/cache.ts';
export { readLayer } from '../layers/read-layer.ts';

export function analysersWith(inspectors: readonly FileInspector[]): Analysers {
  return { catalogers, inspectors };
}
