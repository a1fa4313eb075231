/** The report of `ward doctor` in the data folder: kept whole, and nothing else is read as one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteDoctor, readDoctorNote } from './doctor-note.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

const row = { name: 'seccomp', vector: 'breakout', required: true, available: true };
const note = {
  ...{ at: 5, ok: true, kernel: '6.12', cgroups: '2', runtimes: { crun: '1.21' } },
  rows: [{ ...row, chosen: 'a list', proven: 'yes', evidence: 'EPERM' }],
  processes: [],
  advisories: [],
  advice: [{ setting: 'kernel.x', value: '0', recommended: '1', why: 'harder' }],
};

test('is read back, without more than it should have', async () => {
  expect(await readDoctorNote(folder)).toBeUndefined();
  const more = { ...note, memory: { neededBytes: 1 } };
  await noteDoctor(folder, more);
  expect(await readDoctorNote(folder)).toEqual(note);
});

test.each([['{'], ['{}'], [JSON.stringify({ ...note, at: 'now' })], [' '.repeat(2_000_000)]])(
  'is not read from %.20s',
  async (text) => {
    await writeFile(join(folder, 'doctor.json'), text);
    expect(await readDoctorNote(folder)).toBeUndefined();
  },
);
