import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostAdvice } from './advice.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ward-sysctl-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function set(name: string, value: string): void {
  const file = join(dir, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${value}\n`);
}

test.each([
  ['kernel.unprivileged_bpf_disabled', '0', '2'],
  ['kernel.kptr_restrict', '0', '1'],
  ['kernel.io_uring_disabled', '0', '2'],
  ['vm.unprivileged_userfaultfd', '1', '0'],
  ['kernel.core_pattern', '|/usr/lib/collector %p', 'core'],
])('%s: %s is reported, %s is fine', (setting, bad, good) => {
  const file = setting.replaceAll('.', '/');
  set(file, bad);
  expect(hostAdvice(dir)).toEqual([expect.objectContaining({ setting, value: bad })]);
  set(file, good);
  expect(hostAdvice(dir)).toEqual([]);
});

test('a kernel without the settings needs no advice', () => {
  expect(hostAdvice(dir)).toEqual([]);
});
