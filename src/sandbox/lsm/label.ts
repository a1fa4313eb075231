/** Labels files for sandboxes, on hosts with SELinux. */
import { existsSync } from 'node:fs';
import { mustRun } from '../../lib/index.ts';

/** The label of files that every sandbox may read and run, and none may write. Files in a folder with it inherit it. */
const sharedLabel = 'system_u:object_r:container_ro_file_t:s0';

/** A label with a pair of categories that no sandbox has: there are far fewer ranges of ids than pairs. */
const foreignLabel = 'system_u:object_r:container_file_t:s0:c1022,c1023';

/**
 * Labels a folder and its content, so that processes of sandboxes may read it. Does nothing without SELinux.
 * @throws Fault COMMAND_FAILED when the host's policy doesn't know the label
 */
export async function shareWithSandboxes(folder: string): Promise<void> {
  await label(folder, sharedLabel);
}

/** Labels a file as one of another sandbox, to check that it can't be opened. */
export async function labelForeign(file: string): Promise<void> {
  await label(file, foreignLabel);
}

async function label(path: string, as: string): Promise<void> {
  if (!existsSync('/sys/fs/selinux/enforce')) return;
  await mustRun(['chcon', '--recursive', '--no-dereference', as, path], { timeoutMs: 30_000 });
}
