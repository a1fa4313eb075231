import { describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { KeptAction, LoadGrant } from '../../dispatch/index.ts';
import type { GateVerdict } from '../actions/code-gate.ts';
import { grantLoads, grantOnce } from './load-grants.ts';

function keptAction(name: string): KeptAction {
  return {
    namespace: 'guest',
    action: `/guest/${name}`,
    revision: `r-${name}`,
    kind: 'nodejs:24',
    code: { digest: digestOf(Buffer.from(name)), binary: false, main: 'main' },
  };
}

/** An invoker that keeps these actions, and the grants that it gets. */
function invokerWith(...names: string[]) {
  const granted: LoadGrant[] = [];
  const dispatcher = {
    kept: () => names.map(keptAction),
    grant: (grants: readonly LoadGrant[]) => void granted.push(...grants),
  };
  return { granted, dispatcher };
}

describe('grants of kept actions', () => {
  it('follow the gate’s verdict, and are absent while it is unknown', () => {
    const verdicts: Record<string, GateVerdict | Promise<GateVerdict>> = {
      good: { outcome: 'allow', summary: '' },
      warned: { outcome: 'warn', summary: '' },
      bad: { outcome: 'deny', summary: 'no' },
      gone: { outcome: 'absent', summary: '' },
      new: Promise.resolve({ outcome: 'allow', summary: '' }),
    };
    const names = Object.keys(verdicts);
    const { granted, dispatcher } = invokerWith(...names);
    const digests = new Map(names.map((name) => [keptAction(name).code.digest, name]));
    const gate = { mayRun: ({ digest }: { digest: string }) => verdicts[digests.get(digest as never) ?? ''] };
    grantOnce({ dispatcher, gate: gate as never });
    expect(granted.map(({ action, permission }) => [action, permission])).toEqual([
      ['/guest/good', 'allowed'],
      ['/guest/warned', 'allowed'],
      ['/guest/bad', 'denied'],
      ['/guest/gone', 'denied'],
    ]);
    expect(granted[0]).toMatchObject({ namespace: 'guest', revision: 'r-good' });
  });

  it('are renewed before they end, until they are disposed', () => {
    vi.useFakeTimers();
    try {
      const { granted, dispatcher } = invokerWith('kept');
      const granting = grantLoads({ dispatcher });
      vi.advanceTimersByTime(2_500);
      expect(granted.length).toBeGreaterThan(2);
      granting[Symbol.dispose]();
      const before = granted.length;
      vi.advanceTimersByTime(10_000);
      expect(granted.length).toBe(before);
    } finally {
      vi.useRealTimers();
    }
  });
});
