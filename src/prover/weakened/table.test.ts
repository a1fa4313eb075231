import { expect, test } from 'vitest';
import { mechanismNames } from '../../sandbox/index.ts';
import { techniques } from '../techniques/registry.ts';
import { isRemoval } from './removals.ts';
import { weakenedNames, weakeningOf } from './table.ts';

test('every technique is in the table, once', () => {
  expect([...weakenedNames].sort()).toEqual(techniques.map(({ name }) => name).sort());
});

test('most techniques run; the others give a reason', () => {
  const leftOut = techniques.filter(({ name }) => weakeningOf(name).leftOut !== undefined);
  // Techniques that start in a process of Ward's have no sandbox to weaken, and have their own control.
  const inSandboxes = techniques.filter(({ name }) => !/^(server|scan|unpacker|node)-/.test(name));
  expect(leftOut.filter((each) => inSandboxes.includes(each)).length).toBeLessThan(inSandboxes.length * 0.4);
  for (const { name } of leftOut)
    expect(weakeningOf(name)).toMatchObject({ without: [], leftOut: expect.stringMatching(/\w/) });
});

test('every row removes at least one control', () => {
  for (const { name } of techniques) {
    const { without, leftOut } = weakeningOf(name);
    if (leftOut !== undefined) continue;
    expect(without.length, name).toBeGreaterThan(0);
    for (const removal of without) expect(isRemoval(removal)).toBe(true);
    expect(new Set(without).size).toBe(without.length);
  }
});

test('every mechanism that can be removed is tested by a technique', () => {
  const held = new Set(techniques.flatMap(({ name }) => weakeningOf(name).without));
  for (const name of mechanismNames.filter(isRemoval)) expect([...held]).toContain(name);
});
