/** Reports of `ward doctor` and `ward prove` in the data folder: the last whole, of others what changed, and nothing else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteDoctor, noteProve, readDoctor, readProve } from './host-checks.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

const row = { name: 'seccomp', vector: 'breakout', required: true, available: true };
const seccomp = (proven: string) => ({ ...row, chosen: 'a list', proven, evidence: 'EPERM' });
const note = {
  ...{ at: 5, ok: true, kernel: '6.12', cgroups: '2', runtimes: { crun: '1.21' } },
  rows: [seccomp('yes')],
  processes: [],
  advisories: [],
  advice: [{ setting: 'kernel.x', value: '0', recommended: '1', why: 'harder' }],
};

test('is read back, without more than it should have', async () => {
  expect(await readDoctor(folder)).toBeUndefined();
  const more = { ...note, memory: { neededBytes: 1 } };
  await noteDoctor(folder, more);
  const run = { at: 5, ok: true, kernel: '6.12', changes: [] };
  expect(await readDoctor(folder)).toEqual({ last: note, runs: [run] });
});

test.each([['{'], ['{}'], [JSON.stringify({ ...note, at: 'now' })], [' '.repeat(2_000_000)]])(
  'is not read from %.20s',
  async (text) => {
    await writeFile(join(folder, 'doctor.json'), text);
    expect(await readDoctor(folder)).toBeUndefined();
  },
);

test('a report that an earlier version kept alone is compared with the next one', async () => {
  await writeFile(join(folder, 'doctor.json'), JSON.stringify(note));
  expect(await readDoctor(folder)).toEqual({ last: note, runs: [] });
  await noteDoctor(folder, { ...note, at: 6, ok: false, rows: [seccomp('no')] });
  expect((await readDoctor(folder))?.runs).toMatchObject([
    { at: 6, ok: false, changes: [{ name: 'seccomp (breakout)', before: 'yes', after: 'no' }] },
  ]);
});

test('an attack is compared with when it was tried before, and few runs are kept', async () => {
  const outcomes = (at: number, ...pairs: readonly [name: string, outcome: string][]) => ({
    ...{ at, ok: true, kernel: '6.12', runtime: { name: 'crun', version: '1' }, counts: {} },
    techniques: pairs.map(([name, outcome]) => ({
      ...{ name, vector: 'escape', title: name, control: 'seccomp', outcome, detail: '' },
    })),
  });
  await noteProve(folder, outcomes(1, ['a', 'BLOCKED'], ['b', 'BLOCKED']));
  await noteProve(folder, outcomes(2, ['b', 'BLOCKED'], ['c', 'BLOCKED']));
  await noteProve(folder, outcomes(3, ['a', 'ESCAPED']));
  const changes = (await readProve(folder))?.runs.map((run) => run.changes);
  expect(changes).toEqual([
    [{ name: 'a', before: 'BLOCKED', after: 'ESCAPED' }],
    [{ name: 'c', before: null, after: 'BLOCKED' }],
    [],
  ]);
  for (let at = 4; at < 30; at++) await noteProve(folder, outcomes(at, ['a', 'BLOCKED']));
  const kept = await readProve(folder);
  expect([kept?.runs.length, kept?.last.at]).toEqual([20, 29]);
});
