import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeHome, runWard } from './cli.fixture.ts';
import { commandsOf } from './command-spec.ts';
import { Input } from './input.ts';
import { isSameServer, refuseOtherServer } from './other-server.ts';
import { entries } from './registry.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ward-other-'));
  await writeFile(join(dataDir, 'address'), 'http://127.0.0.1:4000\n');
});
afterAll(() => rm(dataDir, { recursive: true }));

const refuse = (options: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv) =>
  refuseOtherServer('vault rotate', new Input([], options), { WARD_DATA: dataDir, ...env });

test('another server is refused, with a hint', () => {
  const elsewhere = { WARD_APIHOST: 'https://ward.example.org' };
  expect(() => refuse({}, elsewhere)).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: `ward vault rotate works on the server of ${dataDir} (http://127.0.0.1:4000), and WARD_APIHOST names another one: https://ward.example.org`,
      hint: `unset WARD_APIHOST, or name the folder: --data ${dataDir}`,
    }),
  );
  expect(() => refuse({ apihost: 'http://127.0.0.1:3233' }, {})).toThrow(
    expect.objectContaining({ hint: expect.stringMatching(/^leave out --apihost, or/) }),
  );
  expect(() => refuse({}, { WHISK_APIHOST: 'ward.example.org' })).toThrow('WHISK_APIHOST');
});

test('its own server is accepted, and so is a folder that was named explicitly', () => {
  expect(() => refuse({}, {})).not.toThrow();
  expect(() => refuse({}, { WARD_APIHOST: 'http://localhost:4000' })).not.toThrow();
  const elsewhere = { WARD_APIHOST: 'https://ward.example.org' };
  for (const option of ['data', 'config', 'advisories', 'policy'])
    expect(() => refuse({ [option]: '/x' }, elsewhere)).not.toThrow();
});

test('a folder that was never served belongs to the default address', () => {
  const fresh = { WARD_DATA: join(dataDir, 'fresh') };
  expect(() => refuse({}, { ...fresh, WARD_APIHOST: '127.0.0.1:3233' })).not.toThrow();
  expect(() => refuse({}, { ...fresh, WARD_APIHOST: 'http://127.0.0.1:4000' })).toThrow('names another one');
});

const outer = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

test.each([
  ['http://localhost:3233', 'http://127.0.0.1:3233', true],
  ['http://[::1]:3233', 'http://127.0.0.1:3233', true],
  ['http://127.0.0.1:3234', 'http://127.0.0.1:3233', false],
  ['http://127.0.0.1:3233', 'http://0.0.0.0:3233', true],
  [`http://${outer ?? '127.0.0.9'}:3233`, 'http://[::]:3233', true],
  ['http://192.0.2.7:3233', 'http://0.0.0.0:3233', false],
  ['https://127.0.0.1', 'http://127.0.0.1:443', false],
])('%s and %s: %s', (named, own, same) => {
  expect(isSameServer(named, own)).toBe(same);
});

const namesOf = (does: 'reads' | 'changes') =>
  commandsOf(entries)
    .filter(([, { dataFolder }]) => dataFolder === does)
    .map(([words]) => words);

test('every command that changes or shows a data folder checks this', () => {
  expect(namesOf('changes')).toEqual(
    expect.arrayContaining([
      'namespace create',
      'namespace delete',
      'namespace rotate-key',
      'namespace limits',
      'namespace key create',
      'namespace key delete',
      'advisories update',
      'advisories import',
      'vault rotate',
      'backup',
      'restore',
    ]),
  );
  expect(namesOf('reads')).toEqual(
    expect.arrayContaining([
      'audit verify',
      'node list',
      'node show',
      'policy show',
      'policy test',
      'vault status',
      'waiver list',
    ]),
  );
});

test('the list of all tenants refuses another server, too', async () => {
  await using home = await makeHome();
  const env = { WARD_DATA: join(dataDir, 'fresh'), WARD_APIHOST: 'https://ward.example.org' };
  const outcome = await runWard(['namespace', 'list', '--all'], { home, env });
  expect(outcome.stderr).toMatch(/^error\[USAGE\]: ward namespace list --all works on the server of /);
});

test.each(['list', 'export'])(
  'the audit log of this machine is not that of another server: %s',
  async (verb) => {
    await using home = await makeHome();
    const env = { WARD_DATA: join(dataDir, 'fresh'), WARD_APIHOST: 'https://ward.example.org' };
    const outcome = await runWard(['audit', verb, '--all'], { home, env });
    expect(outcome.stderr).toContain(`error[USAGE]: ward audit ${verb} works on the server of `);
  },
);

test('nodes of another cluster are not those of this machine', async () => {
  await using home = await makeHome();
  const env = { WARD_DATA: join(dataDir, 'fresh'), WARD_APIHOST: 'https://ward.example.org' };
  const outcome = await runWard(['node', 'list'], { home, env });
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(/^error\[USAGE\]: ward node list works on the server of /);
});

test('the command stops before it writes anything', async () => {
  await using home = await makeHome();
  const outcome = await runWard(['namespace', 'create', 'acme'], {
    home,
    env: { WARD_DATA: join(dataDir, 'fresh'), WARD_APIHOST: 'https://ward.example.org' },
  });
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(/^error\[USAGE\]: ward namespace create works on the server of /);
});
