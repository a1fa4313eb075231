/** Shows that these rows can say no: the same attempts without confinement, and with a part of it. */
import { expect, test } from 'vitest';
import { makeTargets } from '../../keeper/index.ts';
import { unownedId } from '../../lib/index.ts';
import { scanWalls, tryOn } from './doctor-processes.ts';

const isRoot = process.geteuid?.() === 0;
const id = unownedId();
const head = { name: 'helper', as: { uid: id, gid: id }, walls: scanWalls, absent: new Map() };
const contained = ['/usr/bin/unshare', '--mount', '--uts', '--propagation', 'private', '--'];

test.runIf(isRoot)('each row reports an unconfined process', async () => {
  await using targets = await makeTargets(id);
  const rows = await tryOn(targets, { ...head, confine: (argv) => [...contained, ...argv] });
  for (const { name, proven, evidence } of rows.filter((row) => row.name !== 'helper-network')) {
    expect([name, proven, evidence]).toEqual([name, 'no', expect.stringContaining(' done')]);
  }
  expect(rows[0]?.evidence).toMatch(
    /^its ids are 0, not \d+(,\d+)?; it has capabilities: \w+; it can get new privileges; not refused: /,
  );
  // The doctor did not try it, so it claims nothing.
  expect(rows.find(({ name }) => name === 'helper-network')?.proven).toBe('skipped');
});

test.runIf(isRoot)(
  'a user without capabilities still fails the rows for Landlock, the filter and privileges',
  async () => {
    await using targets = await makeTargets(id);
    const words = [
      `--reuid=${id}`,
      `--regid=${id}`,
      '--clear-groups',
      '--inh-caps=-all',
      '--bounding-set=-all',
    ];
    const rows = await tryOn(targets, { ...head, confine: (argv) => ['setpriv', ...words, '--', ...argv] });
    expect(Object.fromEntries(rows.map(({ name, proven }) => [name, proven]))).toEqual({
      'helper-privileges': 'no',
      'helper-keeper': 'yes',
      'helper-others': 'yes',
      'helper-kernel': 'yes',
      'helper-landlock': 'no',
      'helper-filter': 'no',
      'helper-network': 'skipped',
    });
    expect(rows[0]?.evidence).toBe('it can get new privileges');
  },
);

test.runIf(isRoot)('a mechanism that the host lacks is reported with its requirement', async () => {
  await using targets = await makeTargets(id);
  const absent = new Map([['landlock', 'a later kernel']]);
  const rows = await tryOn(targets, { ...head, absent, confine: (argv) => [...contained, ...argv] });
  expect(rows.find(({ name }) => name === 'helper-landlock')).toMatchObject({
    ...{ required: false, available: false, proven: 'skipped', chosen: 'absent; it needs a later kernel' },
  });
});
