/**
 * Runs a program of a layer while the layer is made: with a folder as its root, so that it meets the libraries and the
 * paths that it will meet in the image, and none of this machine's. Only programs that came from signed packages.
 */
import { mustRun } from '../../lib/index.ts';

const timeoutMs = 300_000;

/**
 * Runs `argv` with `root` as `/`. As root, or where user namespaces are to be had.
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
