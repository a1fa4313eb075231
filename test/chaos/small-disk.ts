/** A separate disk for a data folder: a tmpfs in a mount namespace that one process holds. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCommand } from '../../src/lib/index.ts';

const blockBytes = 1024 * 1024;

export class SmallDisk implements AsyncDisposable {
  /** Its mount point in that namespace. */
  readonly folder: string;
  readonly #holder: ChildProcess;

  private constructor(folder: string, holder: ChildProcess) {
    this.folder = folder;
    this.#holder = holder;
  }

  static async mount(mebibytes: number): Promise<SmallDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'ward-disk-'));
    const script = `mount -t tmpfs -o size=${mebibytes}m,mode=0755 disk "$1" && echo ready && exec sleep infinity`;
    const holder = startCommand(['unshare', '--mount', 'sh', '-c', script, 'sh', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (holder.stdout === null) throw new Error('the child has no stdout');
    await once(holder.stdout, 'data');
    return new SmallDisk(folder, holder);
  }

  /** The process whose mount namespace it is in. */
  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** The path as this process sees it. */
  path(...names: string[]): string {
    return join(`/proc/${this.pid}/root`, this.folder, ...names);
  }

  /** Fills the disk, as another program would. */
  async fill(): Promise<void> {
    await using file = await open(this.path('filler'), 'a');
    const block = Buffer.alloc(blockBytes);
    for (let free = await this.#freeBytes(); free > 0; free = await this.#freeBytes()) {
      try {
        await file.write(block, 0, Math.min(block.length, free));
      } catch {
        return;
      }
    }
  }

  async empty(): Promise<void> {
    await rm(this.path('filler'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.kill('SIGKILL');
    await once(this.#holder, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path());
    return bavail * bsize;
  }
}
