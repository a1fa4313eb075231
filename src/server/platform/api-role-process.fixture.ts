/** Starts a platform without sandboxes (`api-role.fixture.ts`) as a process of its own. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { startCommand } from '../../lib/index.ts';

interface StartOptions {
  /** A command that starts it: comes before its own command line. */
  readonly through?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export const apiRoleProgram = fileURLToPath(new URL('./api-role.fixture.ts', import.meta.url));

/**
 * Disposal waits until it has stopped by itself.
 * @param dataDir exists
 * @throws Error with what it wrote when it does not start
 */
export async function startApiRole(dataDir: string, { through = [], env = {} }: StartOptions = {}) {
  const child = startCommand([...through, process.execPath, apiRoleProgram, dataDir], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const { pid, stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('it has no streams');
  const exited = once(child, 'exit');
  const said = text(stderr);
  const [url] = await Promise.race([
    once(createInterface({ input: stdout }), 'line'),
    exited.then(async () => {
      throw new Error(`it did not start: ${await said}`);
    }),
  ]);
  return {
    pid,
    url: String(url),
    async [Symbol.asyncDispose]() {
      stdin.end();
      expect(await exited, await said).toEqual([0, null]);
    },
  };
}
