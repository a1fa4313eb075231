import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyedCounter } from './counter.ts';

describe('a counter of a control group', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ward-counter-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is 0 until its file exists, and then the number in the file', () => {
    const file = join(folder, 'events');
    using counter = keyedCounter(file, 'max');
    expect(counter.read()).toBe(0);
    writeFileSync(file, 'low 7\nmax 0\n');
    expect(counter.read()).toBe(0);
    writeFileSync(file, 'low 7\nmax 12\n');
    expect(counter.read()).toBe(12);
  });

  it('does not confuse a longer key with its own, or other text with a number', () => {
    const file = join(folder, 'events');
    writeFileSync(file, 'oom 1\noom_kill 2\noom_group_kill 3\n');
    using counter = keyedCounter(file, 'oom_kill');
    expect(counter.read()).toBe(2);
    writeFileSync(file, 'oom_kill x\n');
    expect(counter.read()).toBe(0);
  });

  it('keeps its last value once it is closed', () => {
    const file = join(folder, 'events');
    writeFileSync(file, 'max 3\n');
    const counter = keyedCounter(file, 'max');
    expect(counter.read()).toBe(3);
    counter[Symbol.dispose]();
    writeFileSync(file, 'max 4\n');
    expect(counter.read()).toBe(3);
  });
});
