import { expect, test } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { admitRecord, readiness } from './record-keeping.ts';

const fault = new Fault('STORE_UNWRITABLE', 'busy', 'no');
const well = { trouble: () => undefined, waiting: () => 0 };
const failing = { trouble: () => ({ since: 5, fault }), waiting: () => 3 };
const disk = { freeBytes: 10, reserveBytes: 5, state: 'ample' } as const;
const refusal = expect.objectContaining({ code: 'CANNOT_RECORD', kind: 'busy', retryAfterMs: 5000 });

test.each([
  ['refuse', false, true],
  ['refuse', true, true],
  ['continue', false, false],
  ['continue', true, true],
] as const)(
  'records fail, %s, accepted before it runs %s: refused %s',
  (whenUnable, isAccepted, isRefused) => {
    const ask = () => admitRecord(failing, whenUnable, isAccepted);
    if (isRefused) expect(ask).toThrow(refusal);
    else expect(ask).not.toThrow();
    expect(() => admitRecord(well, whenUnable, isAccepted)).not.toThrow();
  },
);

test('readiness means that calls are served, and gives the reason if not', () => {
  const records = { whenUnable: 'refuse' } as const;
  expect(readiness(well, disk, records)).toEqual({ ready: true, recording: { state: 'ok' }, disk: 'ample' });
  expect(readiness(well, { ...disk, state: 'short' }, records)).toMatchObject({ ready: true, disk: 'short' });
  expect(readiness(well, { ...disk, state: 'critical' }, records)).toMatchObject({ ready: false });
  const recording = { state: 'failing', since: 5, error: 'STORE_UNWRITABLE' };
  expect(readiness(failing, disk, records)).toEqual({ ready: false, recording, disk: 'ample' });
  expect(readiness(failing, disk, { whenUnable: 'continue' })).toMatchObject({ ready: true, recording });
  const reach = { bus: 'down', isCutOff: true } as const;
  expect(readiness(well, disk, records, reach)).toMatchObject({ ready: false, bus: 'down' });
  const alone = { bus: 'alone', isCutOff: true } as const;
  expect(readiness(well, disk, records, alone)).toMatchObject({ ready: false, bus: 'alone' });
  expect(readiness(well, disk, records, { ...reach, isCutOff: false })).toMatchObject({ ready: true });
});
