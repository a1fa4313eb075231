import { readFile } from 'node:fs/promises';
import { openImageStore } from '../../../src/images/index.ts';
import { createLog } from '../../../src/lib/index.ts';
import { openKernelLog } from '../../../src/sandbox/lsm/kernel-log.ts';
import { enterIsolation, isIsolated, openSandboxHost, runDoctor, strictPolicy } from '../../../src/sandbox/index.ts';
import { join } from 'node:path';
if (!isIsolated()) enterIsolation([process.execPath, import.meta.filename]);
const t = () => process.uptime().toFixed(1);
const log = openKernelLog();
console.log('isolated', t(), await readFile('/proc/self/attr/current', 'utf8').catch(String));
const images = await openImageStore({ dir: '/ward/images', mountsDir: '/run/ward/roots' });
const root = await images.mountRoot(await images.resolve('python:3.13'));
console.log('root', t());
const host = await openSandboxHost({ instance: 'lsm-test', runDir: '/run/ward', runtime: 'crun', log: createLog('warn') });
console.log('host', t(), JSON.stringify({...host.features.lsm}), JSON.stringify(await host.runtime('crun')));
const source = await readFile(join(import.meta.dirname, 'operations.py'), 'utf8');
const { runProgram } = await import('../../../src/sandbox/doctor/program.ts');
const ops = ["read /proc/self/mem","open /proc/CHILD/mem","read /proc/self/pagemap","read /proc/self/syscall","read /proc/self/numa_maps","read /proc/self/mountstats","flock a file of the image","lock a range of a file of the image","map a device to run"];
for (const p of [undefined, 'auto']) {
  const r = await runProgram({ host, rootDir: root.path, policy: { ...strictPolicy, apparmorProfile: p, selinuxLabel: p }, source, args: [JSON.stringify(ops)] }).catch((e: unknown) => e);
  console.log(t(), JSON.stringify(r, null, 1));
  console.log(log?.read(500).join('\n'));
}
const report = await runDoctor({ host, policy: strictPolicy, roots: { 'python:3.13': root.path } });
console.log(t(), JSON.stringify(report, null, 1));
console.log(log?.read(500).join('\n'));
await host.close();
await root[Symbol.asyncDispose]();
console.log('closed', t(), await readFile('/sys/kernel/security/apparmor/profiles', 'utf8').catch(String));
