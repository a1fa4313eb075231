import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ViolationReport } from '../../dispatch/index.ts';
import { Fault, silentLog } from '../../lib/index.ts';
import type { ViolationRow } from '../../store/index.ts';
import { createViolationAlarm, type ViolationAlert } from './violation-alarm.ts';
import { createViolationLog } from './violation-log.ts';

const report = (more: Partial<ViolationReport> = {}): ViolationReport => ({
  kind: 'pids',
  detail: 'too many',
  at: 7,
  namespace: 'guest',
  action: '/guest/forks',
  activationIds: ['a'.repeat(32)],
  ...more,
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the log of violations', () => {
  const start = (add?: () => Promise<void>) => {
    const rows: ViolationRow[] = [];
    const keep = async (row: ViolationRow) => void rows.push(row);
    const lines: object[] = [];
    const log = createViolationLog({
      store: { add: add ?? keep },
      traceIdOf: (activationId) => (activationId.startsWith('a') ? 'f'.repeat(32) : undefined),
      log: { ...silentLog, warn: (line: object) => void lines.push(line) },
      perMinute: 3,
    });
    return { log, rows, lines };
  };

  test('keeps the owner', () => {
    const { log, rows } = start();
    expect(log.add(report())).toBe(true);
    expect(rows).toEqual([
      {
        namespace: 'guest',
        at: 7,
        kind: 'pids',
        detail: 'too many',
        action: '/guest/forks',
        activationId: 'a'.repeat(32),
      },
    ]);
  });

  test('says which trace its activation belongs to, if that is known', () => {
    const { log, rows, lines } = start();
    for (const activationIds of [['a'], ['b'], []]) log.add(report({ activationIds }));
    const [traced, ...others] = lines;
    expect(traced).toEqual({ ...rows[0], traceId: 'f'.repeat(32) });
    expect(others).toEqual(rows.slice(1));
  });

  test('says if it could belong to another call', () => {
    const { log, rows } = start();
    log.add(report({ activationIds: ['a', 'b', 'c'] }));
    expect(rows).toMatchObject([{ activationId: 'a', detail: 'too many (3 calls ran at once)' }]);
  });

  test('accepts a limited number per minute of one namespace, says so, and still accepts others', () => {
    const { log, rows } = start();
    const taken = Array.from({ length: 100_000 }, () => log.add(report())).filter(Boolean);
    expect(taken).toHaveLength(3);
    expect(rows.map(({ detail }) => detail)).toEqual([
      'too many',
      'too many',
      'too many; further ones within this minute are only counted',
    ]);
    expect(log.add(report({ namespace: 'other' }))).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(log.add(report())).toBe(true);
  });

  test('keeps nothing of a sandbox without an owner', () => {
    const { log, rows } = start();
    expect(log.add(report({ namespace: undefined }))).toBe(false);
    expect(rows).toEqual([]);
  });

  test('survives a store that refuses', async () => {
    const refused = Promise.reject(new Fault('STORE_NO_NAMESPACE', 'missing', 'gone'));
    const { log } = start(() => refused);
    expect(log.add(report())).toBe(true);
    await expect(refused).rejects.toThrow();
  });
});

describe('the alarm', () => {
  const start = (threshold = 3) => {
    const alerts: ViolationAlert[] = [];
    const alarm = createViolationAlarm({
      threshold,
      windowMs: 10_000,
      onAlert: (alert) => alerts.push(alert),
    });
    return { alarm, alerts };
  };

  test('is raised once per window, with what happened in it', () => {
    const { alarm, alerts } = start();
    alarm(report({ kind: 'oom' }));
    alarm(report());
    expect(alerts).toEqual([]);
    for (let count = 0; count < 1000; count++) alarm(report({ action: '/guest/other' }));
    expect(alerts).toEqual([
      {
        namespace: 'guest',
        payload: {
          type: 'violations',
          namespace: 'guest',
          count: 3,
          windowSeconds: 10,
          kinds: { oom: 1, pids: 2 },
          actions: ['/guest/forks', '/guest/other'],
          last: { kind: 'pids', detail: 'too many', at: 7, activationId: 'a'.repeat(32) },
        },
      },
    ]);
    vi.advanceTimersByTime(10_000);
    for (let count = 0; count < 3; count++) alarm(report());
    expect(alerts).toHaveLength(2);
  });

  test('is not raised for a few per namespace, even if they add up', () => {
    const { alarm, alerts } = start();
    alarm(report());
    alarm(report());
    alarm(report({ namespace: 'other' }));
    alarm(report({ namespace: undefined }));
    vi.advanceTimersByTime(10_000);
    alarm(report());
    expect(alerts).toEqual([]);
  });

  test('names at most ten actions', () => {
    const { alarm, alerts } = start(50);
    for (let count = 0; count < 50; count++) alarm(report({ action: `/guest/${count}` }));
    expect(alerts[0]?.payload['actions']).toHaveLength(10);
  });

  test('is never raised with a threshold of 0', () => {
    const { alarm, alerts } = start(0);
    for (let count = 0; count < 10; count++) alarm(report());
    expect(alerts).toEqual([]);
  });
});
