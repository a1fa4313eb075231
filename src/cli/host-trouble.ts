/** Errors of the machine that no code expected. They are not bugs of Ward, and the operator can fix them. */
import { errnoOf } from '../lib/index.ts';

const remedies: ReadonlyMap<string, string> = new Map([
  ['EROFS', 'use a writable folder, or mount its file system for writing'],
  ['ENOSPC', 'free space on the disk'],
  ['EDQUOT', 'free space, or raise the quota of the user'],
  ['EMFILE', 'raise the limit of open files: ulimit -Hn 65536'],
  ['ENFILE', 'raise the limit of open files of the machine: fs.file-max'],
  ['EACCES', 'run it as a user who may'],
  ['EPERM', 'run it as a user who may'],
  ['EIO', 'the disk has failed: see the kernel log'],
]);

/** A hint about the file; undefined when the error is about something else. */
export function hostRemedy(error: unknown): string | undefined {
  if (!(error instanceof Error && 'path' in error)) return undefined;
  const code = errnoOf(error) ?? '';
  // Node reports this for a recursive mkdir on a read-only file system.
  const isUnmakable = code === 'ENOENT' && 'syscall' in error && error.syscall === 'mkdir';
  return remedies.get(isUnmakable ? 'EROFS' : code);
}
