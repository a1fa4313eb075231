/** A program for the test of recovery: starts two sandboxes, freezes one, reports it, and waits to be killed. */
import { once } from 'node:events';
import { silentLog } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { enterIsolation } from '../isolation/isolation.ts';
import { strictPolicy } from '../policy.ts';
import { openSandboxHost } from '../sandbox-host.ts';

if (!isIsolated()) enterIsolation([process.execPath, ...process.argv.slice(1)]);

const [instance = '', runDir = '', rootDir = ''] = process.argv.slice(2);
const host = await openSandboxHost({ instance, runDir, runtime: 'crun', log: silentLog });
const sandboxes = await Promise.all(
  [1, 2].map(() =>
    host.start({
      rootDir,
      args: ['/usr/bin/busybox', 'sh', '-c', 'echo up; exec sleep 1000'],
      env: {},
      cwd: '/',
      policy: strictPolicy,
      channel: 'none',
    }),
  ),
);
await Promise.all(sandboxes.map((sandbox) => once(sandbox.stdout, 'data')));
await sandboxes[0]?.freeze();
process.stdout.write('ready');
setInterval(() => {}, 1000);
