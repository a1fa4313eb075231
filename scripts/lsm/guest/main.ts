/** The test inside the emulated host: what only its LSM refuses, then Ward as a whole, then Ward's suites. */
import { readFile } from 'node:fs/promises';
import { openImageStore } from '../../../src/images/index.ts';
import { createLog } from '../../../src/lib/index.ts';
import { enterIsolation, isIsolated, openSandboxHost } from '../../../src/sandbox/index.ts';
import { lsms } from '../boot.ts';
import { checkCoreDumps } from './core-dumps.ts';
import { checkOperations } from './operations.ts';
import { checkPlatform } from './platform.ts';
import { endLine } from './report.ts';
import { checkSuites } from './suites.ts';

if (!isIsolated()) enterIsolation([process.execPath, import.meta.filename]);

const commandLine = await readFile('/proc/cmdline', 'utf8');
const lsm = lsms.find((name) => commandLine.includes(`ward.lsm=${name}`));
if (lsm === undefined) throw new Error(`which LSM is meant? ${commandLine}`);
{
  await using images = await openImageStore({ dir: '/ward/images', mountsDir: '/run/ward/roots/operations' });
  await using root = await images.mountRoot(await images.resolve('python:3.13'));
  await using host = await openSandboxHost({
    instance: 'operations',
    runDir: '/run/ward',
    runtime: 'crun',
    log: createLog('warn'),
  });
  await checkOperations(host, lsm, root.path);
  if (lsm === 'apparmor') await checkCoreDumps(host, root.path);
}
await checkPlatform(lsm);
await checkSuites(lsm);
console.log(endLine);
