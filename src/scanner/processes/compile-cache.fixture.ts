/** A program with a compile cache in the folder that it is given. It waits until a process that it started has filled it. */
import { readdir } from 'node:fs/promises';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { findConfinement } from './confinement.ts';
import { startScanProcess } from './scan-process.ts';

enableCompileCache(process.argv[2]);
const directory = `${dirname(getCompileCacheDir() ?? '')}-scan`;
const module = new URL('inspectors.fixture.ts', import.meta.url);
const scan = startScanProcess({ module }, await findConfinement());
await scan.revision;
while (!(await readdir(directory, { withFileTypes: true, recursive: true })).some((entry) => entry.isFile()));
await scan.end();
