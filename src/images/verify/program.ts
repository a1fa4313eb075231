/**
 * The process that `layer-check.ts` starts: compares its working folder with the layer on its standard input, and writes
 * the outcome to its standard output.
 */
import { createReadStream } from 'node:fs';
import { failureOf } from '../../lib/index.ts';
import { layerLimits } from '../layer/layer-limits.ts';
import { unpacked } from '../layer/unpacked.ts';
import { layerReadBytes } from '../unpack/here.ts';
import { differencesIn } from './differences.ts';
import { expectedOf } from './expected.ts';

try {
  const source = createReadStream('', { fd: 0, autoClose: false, highWaterMark: layerReadBytes });
  const { bytes, digests } = unpacked(source);
  const expected = await expectedOf(bytes, layerLimits);
  process.stdout.write(JSON.stringify({ ...digests(), ...differencesIn('.', expected) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ failure: failureOf(error) }));
}
