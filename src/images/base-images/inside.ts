/**
 * Runs a program of a layer during the build. A folder is its root, so that it sees the libraries and paths of the
 * image, and none of this machine. Only for programs from signed packages.
 */
import { mustRun } from '../../lib/index.ts';

const timeoutMs = 300_000;

/**
 * Runs `argv` with `root` as `/`. Needs root, or user namespaces.
 * @throws Fault COMMAND_FAILED
 */
export function runInside(root: string, argv: readonly string[]): Promise<string> {
  const user = process.geteuid?.() === 0 ? [] : ['--map-root-user'];
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', `--root=${root}`, '--mount-proc'];
  return mustRun(['unshare', ...user, ...namespaces, ...argv], {
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin', LC_ALL: 'C.UTF-8' },
    timeoutMs,
  });
}
