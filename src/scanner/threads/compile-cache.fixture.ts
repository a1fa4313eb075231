/** A program with a compile cache in the folder that it is given. It waits until a thread that it started has filled it. */
import { readdir } from 'node:fs/promises';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { startThread } from './thread.ts';

enableCompileCache(process.argv[2]);
const directory = getCompileCacheDir() ?? '';
const thread = startThread({ module: new URL('inspectors.fixture.ts', import.meta.url) });
await thread.revision;
// The program itself writes when it ends.
while (!(await readdir(directory, { withFileTypes: true })).some((entry) => entry.isFile()));
await thread.end();
