/**
 * The process that `apart.ts` starts: unpacks the layer on its standard input into its working folder, and writes the
 * outcome to its standard output.
 */
import { createReadStream } from 'node:fs';
import { failureOf } from '../../lib/index.ts';
import { layerReadBytes, unpackHere } from './here.ts';

// Sandboxes run as other users than the owner of the layers, and must be able to read them.
process.umask(0o022);
try {
  const source = createReadStream('', { fd: 0, autoClose: false, highWaterMark: layerReadBytes });
  process.stdout.write(JSON.stringify(await unpackHere(source, '.')));
} catch (error) {
  process.stdout.write(JSON.stringify({ failure: failureOf(error) }));
}
