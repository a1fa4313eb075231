import { expect, it } from 'vitest';
import { filesTar, storedLayer } from '../scanner.fixture.ts';
import { analystInProcesses } from './pool.ts';

const module = new URL('inspectors.fixture.ts', import.meta.url);

it('a process that has nothing to do ends, and another takes its place', async () => {
  const ended: number[] = [];
  await using analyst = analystInProcesses({ module }, 10_000, { idleMs: 1 });
  const { signal } = new AbortController();
  const layer = storedLayer(await filesTar({ pid: '' }));
  for (let round = 0; round < 2; round++) {
    const { findings } = await analyst.layer(layer, signal);
    const pid = Number(findings[0]?.title);
    while (isRunning(pid)) await new Promise(setImmediate);
    ended.push(pid);
  }
  expect(new Set(ended).size).toBe(2);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
