/** Starts a baseline: a program beside this file that does nothing but what is compared. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startCommand } from '../src/lib/index.ts';

export interface BareServer extends AsyncDisposable {
  readonly pid: number;
  /** What the program prints after `ready`: its address, if it has one. */
  readonly url: string;
}

/** @throws Error when the program ends before it prints `ready` */
export async function startBare(program: string, args: readonly string[] = []): Promise<BareServer> {
  const script = fileURLToPath(new URL(program, import.meta.url));
  const child = startCommand([process.execPath, script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout || child.pid === undefined) throw new Error('it has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, url = ''] = line.split(' ');
    if (word !== 'ready') continue;
    return {
      ...{ pid: child.pid, url },
      async [Symbol.asyncDispose]() {
        child.kill();
      },
    };
  }
  throw new Error(`${program} ended before it was ready`);
}
