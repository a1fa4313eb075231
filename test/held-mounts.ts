/** Mounts in a mount namespace of their own. A process holds it, and they end with the process. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { runCommand, startCommand } from '../src/lib/index.ts';

export class HeldMounts {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** @param script shell script that gets `args` from `$1` on */
  static async make(script: string, args: readonly string[]): Promise<HeldMounts> {
    const whole = `set -e; ${script}; echo ready; exec sleep infinity`;
    const holder = startCommand(['unshare', '--mount', 'sh', '-c', whole, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (holder.stdout === null) throw new Error('the child has no stdout');
    const ended = once(holder, 'exit').then(() => Promise.reject(new Error('the mounts could not be made')));
    await Promise.race([once(holder.stdout, 'data'), ended]);
    ended.catch(() => {});
    return new HeldMounts(holder);
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** The path as this process sees it. */
  path(...names: string[]): string {
    return join(`/proc/${this.pid}/root`, ...names);
  }

  /** Runs a program in the mount namespace. */
  async run(argv: readonly string[]): Promise<void> {
    const { code, stderr } = await runCommand(['nsenter', `--mount=/proc/${this.pid}/ns/mnt`, '--', ...argv]);
    if (code !== 0) throw new Error(stderr);
  }

  async end(): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}
