/** Labels of files that sandboxes are to see, on hosts with SELinux. */
import { existsSync } from 'node:fs';
import { mustRun } from '../../lib/index.ts';

/** What every sandbox may read and run, and none may write. Files made in a folder with it have it, too. */
export const sharedLabel = 'system_u:object_r:container_ro_file_t:s0';

/**
 * Labels a folder and what is in it, so that processes of sandboxes may read it. Nothing happens where there is no
 * SELinux. @throws Fault COMMAND_FAILED when the host's policy doesn't know the label
 */
export async function shareWithSandboxes(folder: string): Promise<void> {
  if (!existsSync('/sys/fs/selinux/enforce')) return;
  await mustRun(['chcon', '--recursive', '--no-dereference', sharedLabel, folder], { timeoutMs: 30_000 });
}
