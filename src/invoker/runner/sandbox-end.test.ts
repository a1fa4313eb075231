import { expect, test, vi } from 'vitest';
import type { Sandbox, SandboxExit } from '../../sandbox/index.ts';
import { endSandbox } from './sandbox-end.ts';

const exit: SandboxExit = {
  ...{ code: 137, signal: null, outOfMemory: true, seccompKill: false, killed: false, runtimeError: '' },
};

/** A sandbox with only the parts that its end uses. */
const sandbox = (parts: Pick<Sandbox, 'exited' | 'destroy'>) => parts as Sandbox;
const failing = async () => {
  throw new Error('EROFS: read-only file system');
};

test('an end is reported even if the clean-up fails', async () => {
  const ended = sandbox({ exited: Promise.resolve(exit), destroy: failing });
  expect(await endSandbox(ended, 'exited')).toBe('out-of-memory');
  expect(await endSandbox(ended, 'channel-closed')).toBe('out-of-memory');
  expect(await endSandbox(ended, 'timeout')).toBe('timeout');
});

test('a sandbox that does not end is not awaited', async () => {
  vi.useFakeTimers();
  const stuck = endSandbox(sandbox({ exited: new Promise(() => {}), destroy: failing }), 'violation');
  await vi.advanceTimersByTimeAsync(500);
  vi.useRealTimers();
  expect(await stuck).toBe('violation');
});
