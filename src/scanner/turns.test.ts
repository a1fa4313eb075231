import { expect, it } from 'vitest';
import { assembling } from './inventory/assemble.ts';
import { atOnce, inTurns, type Steps, turnMs } from './turns.ts';

function* slow(count: number): Steps<string> {
  for (let at = 0; at < count; at++) {
    const end = performance.now() + turnMs + 1;
    while (performance.now() < end);
    yield;
  }
  return 'done';
}

it('lets other work run after a while, and gives the same result', async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  expect(await inTurns(slow(5))).toBe('done');
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(4);
  expect(atOnce(slow(1))).toBe('done');
});

it('an inventory is assembled in steps of one package', () => {
  const packages = Array.from({ length: 100 }, (_, at) => ({
    ecosystem: 'deb' as const,
    name: `p${at}`,
    version: '1',
    needs: [`p${at + 1}`],
  }));
  const steps = assembling({
    standing: [{ evidence: { path: 'var/lib/dpkg/status', packages }, originOf: () => undefined }],
    layers: [],
    gaps: [],
    folders: { bare: [], links: [], hasCode: () => false },
    hasSystem: false,
  });
  let count = 0;
  let last = steps.next();
  for (; last.done !== true; last = steps.next()) count++;
  expect(last.value.components).toHaveLength(100);
  // Steps for its place, its needs, their resolution, and its component.
  expect(count).toBeGreaterThanOrEqual(400);
});
