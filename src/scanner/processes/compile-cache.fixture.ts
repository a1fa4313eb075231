/** A program with a compile cache in a given folder. It prints how a process that it starts uses the cache. */
import { readdir } from 'node:fs/promises';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { startScanProcess } from './scan-process.ts';
import { startDirectly } from './start-program.ts';

enableCompileCache(process.argv[2]);
const directory = `${dirname(getCompileCacheDir() ?? '')}-scan`;
const module = new URL('../all-inspectors.ts', import.meta.url);
const scan = startScanProcess({ module, data: {} }, startDirectly());
await scan.revision;
await scan.end();
const entries = await readdir(directory, { withFileTypes: true, recursive: true });
process.stdout.write(`${entries.filter((entry) => entry.isFile()).length}`);
