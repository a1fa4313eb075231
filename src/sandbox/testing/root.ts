/**
 * A root file system for tests: the machine's own /usr, mounted read-only, and the Node that runs the tests. Needs
 * Ward's isolation for the mounts; it copies nothing, so it takes only a few milliseconds.
 */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mustRun } from '../../lib/index.ts';

export interface TestRoot extends AsyncDisposable {
  readonly path: string;
}

/** Path of Node inside. */
export const testNode = '/opt/node/node';

export async function makeTestRoot(): Promise<TestRoot> {
  const path = await mkdtemp(join(tmpdir(), 'ward-root-'));
  // Others may enter it: the root user of a sandbox has another id outside.
  await chmod(path, 0o755);
  const mounts = [
    ['/usr', join(path, 'usr')],
    [dirname(process.execPath), join(path, 'opt/node')],
  ] as const;
  for (const name of ['dev', 'proc', 'tmp', 'fn', 'usr', 'etc', 'opt/node']) {
    await mkdir(join(path, name), { recursive: true });
  }
  await writeFile(join(path, 'etc/resolv.conf'), '');
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(path, name));
  for (const [source, target] of mounts) await mustRun(['mount', '--bind', '-o', 'ro', source, target]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const [, target] of mounts) await mustRun(['umount', target]);
      await rm(path, { recursive: true });
    },
  };
}
