/** bin/ward.mjs on a Node that is too old: it must start the locked one and pass on its output and exit code. */
import { expect, test } from 'vitest';
import { runCommand, startCommand } from '../lib/index.ts';
import { launcher, launchWard, makeHome } from './cli.fixture.ts';

const oldNode = await findOldNode();

/** The first Node of the machine that is older than the locked one. */
async function findOldNode(): Promise<string | undefined> {
  for (const node of ['/usr/bin/node', '/usr/local/bin/node']) {
    const outcome = await runCommand([node, '-p', 'process.versions.node']).catch(() => undefined);
    if (outcome?.code === 0 && Number.parseInt(outcome.stdout, 10) < 24) return node;
  }
  return undefined;
}

test.skipIf(oldNode === undefined)(
  'on an old Node, output and exit code are those of the command',
  async () => {
    await using home = await makeHome();
    const node = oldNode ?? '';
    expect((await launchWard(['--version'], { home, node })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await launchWard(['nonsense'], { home, node })).code).toBe(2);
  },
);

test.skipIf(oldNode === undefined)('on an old Node, a signal ends the command', async () => {
  await using home = await makeHome();
  const child = startCommand([oldNode ?? '', launcher, 'action', 'invoke', 'x', '-P', '-'], {
    cwd: home.path,
    env: { PATH: process.env['PATH'], HOME: home.path, WARD_AUTH: 'a:b' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  // Standard input stays open, so the command waits for it once it runs.
  await untilChildOf(child.pid ?? 0);
  child.kill('SIGTERM');
  expect(await ended).toBe(128 + 15);
});

async function untilChildOf(pid: number): Promise<void> {
  for (;;) {
    const { stdout } = await runCommand(['cat', `/proc/${pid}/task/${pid}/children`]);
    if (stdout.trim() !== '') return;
  }
}
