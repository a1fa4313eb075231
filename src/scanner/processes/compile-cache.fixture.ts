/** A program with a compile cache in the folder that it is given. It waits until a process that it started has filled it. */
import { readdir } from 'node:fs/promises';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { startScanProcess } from './scan-process.ts';

enableCompileCache(process.argv[2]);
const directory = getCompileCacheDir() ?? '';
const scan = startScanProcess({ module: new URL('inspectors.fixture.ts', import.meta.url) });
await scan.revision;
// The program itself writes when it ends.
while (!(await readdir(directory, { withFileTypes: true })).some((entry) => entry.isFile()));
await scan.end();
