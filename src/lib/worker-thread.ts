/** Threads that run a program of Ward's own. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A thread takes no part in its process's cache of compiled code: without a word it would load Node's whole parser of
 * TypeScript, some 20 MiB that stay, to read a few small files.
 */
const startCached = `
  const { workerData } = require('node:worker_threads');
  require('node:module').enableCompileCache(workerData.compileCache);
  import(workerData.program);
`;

/** @param workerData what the program finds under that name, besides what is the start's own */
export function startThread(program: URL, name: string, workerData: object): Worker {
  const cache = getCompileCacheDir();
  if (cache === undefined) return new Worker(program, { name, workerData });
  return new Worker(startCached, {
    name,
    eval: true,
    // Node adds a folder of its version.
    workerData: { ...workerData, program: program.href, compileCache: dirname(cache) },
  });
}
