/**
 * Runs every command that works on a data folder or an image store as root, while both belong to another user, as they
 * do to the server's user. The files that a command leaves there must belong to that user, who can still read and write
 * everything. The operator's own files stay root's.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyImage, readIndex, refNameOf, tagManifest } from '../src/images/index.ts';
import { mustRun, runCommand, silentLog } from '../src/lib/index.ts';
import { filledPlace, type TestFolder } from '../src/server/backup/backup.fixture.ts';
import { gatePaths } from '../src/server/instance/gate-paths.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { handOver } from '../src/server/processes/hand-over.ts';
import { checkout } from './linked-command.ts';
import { missingForSandboxes, outsideEnv, runWard, imagesDir as sharedImages } from './ward.ts';

const missing = missingForSandboxes();
const owner = { name: 'ward', uid: 4_100_001, gid: 4_100_002 };
const base = 'nodejs:24';
const keyLine = () => `k${randomBytes(3).toString('hex')}:${randomBytes(32).toString('base64')}\n`;

/** An advisory in OSV's form. */
const advisory = JSON.stringify({
  id: 'GHSA-aaaa-bbbb-cccc',
  modified: '2026-01-01T00:00:00Z',
  affected: [{ package: { ecosystem: 'npm', name: 'left' }, versions: ['1.0.0'] }],
});

describe.skipIf(missing !== undefined)(`a folder of another user’s${missing ? ` (${missing})` : ''}`, () => {
  let place: TestFolder;
  const inFolder = (name: string) => join(place.folder, name);

  beforeAll(async () => {
    place = await filledPlace();
    await chmod(place.folder, 0o711);
    const paths = dataPaths(place.dataDir);
    rmSync(gatePaths(place.dataDir).advisories);
    rmSync(gatePaths(place.dataDir).policy);
    for (const path of [gatePaths(place.dataDir).vex, gatePaths(place.dataDir).rules])
      rmSync(path, { recursive: true });
    writeFileSync(paths.parameterKeys, keyLine(), { mode: 0o600 });
    await chmod(place.configFile, 0o600);
    const entry = (await readIndex(sharedImages))?.manifests.find((each) => refNameOf(each) === base);
    if (entry === undefined) throw new Error(`${sharedImages} has no ${base}`);
    await copyImage(sharedImages, place.imagesDir, entry, 'copy');
    await tagManifest(place.imagesDir, entry, [base]);
    await chmod(place.dataDir, 0o711);
    await mustRun(['chown', '--recursive', '0:0', place.folder]);
    for (const folder of [place.dataDir, place.imagesDir]) handOver(folder, owner, { log: silentLog });
    await mkdir(inFolder('app'), { mode: 0o700 });
    writeFileSync(inFolder('app/package.json'), '{"name":"app","version":"1.0.0","main":"index.js"}');
    writeFileSync(inFolder('app/index.js'), 'exports.main = () => ({});');
    writeFileSync(inFolder('advisory.json'), advisory);
    writeFileSync(inFolder('policy.yaml'), 'form: 1\n', { mode: 0o600 });
  }, 120_000);
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
  });

  /** Owners of files according to find, which follows no links. */
  const strangers = async () => {
    const is = ['(', '!', '-uid', String(owner.uid), '-o', '!', '-gid', String(owner.gid), ')'];
    const found = await mustRun(['find', place.dataDir, place.imagesDir, ...is, '-print']);
    return found.split('\n').filter(Boolean).slice(0, 10);
  };

  const run = async (command: string, { config = place.configFile, as = 0 } = {}) => {
    const env = { WARD_DATA: place.dataDir, WARD_CONFIG: config, WARD_KEY_PASSPHRASE: 'open it' };
    const argv = command.split(' ');
    if (as === 0) return await runWard(argv, { env, cwd: place.folder });
    const words = ['setpriv', `--reuid=${as}`, `--regid=${owner.gid}`, '--clear-groups', '--'];
    const { WARD_CONFIG: _, ...its } = env;
    return await runCommand([...words, process.execPath, join(checkout, 'bin/ward.mjs'), ...argv], {
      env: { ...outsideEnv(), ...its, WARD_IMAGES: place.imagesDir, WSK_CONFIG_FILE: '/nonexistent' },
      cwd: place.folder,
      timeoutMs: 60_000,
    });
  };

  it.each<[command: string, says?: RegExp]>([
    ['namespace create acme'],
    ['namespace list --all', /^acme /m],
    ['namespace key create acme --scope invoke'],
    ['namespace limits acme --concurrent 5'],
    ['namespace rotate-key guest'],
    ['namespace delete acme'],
    ['vault status'],
    ['vault rotate'],
    ['sandbox violations'],
    ['audit list --all'],
    ['audit verify'],
    ['policy show'],
    ['policy test --policy policy.yaml'],
    ['policy set policy.yaml'],
    ['waiver create CVE-2021-23337 --until 2099-01-31 --reason harmless'],
    ['waiver list'],
    ['vex set --none'],
    ['namespace calls'],
    ['usage --all'],
    ['console login --url https://ward.example.com'],
    ['cluster init'],
    ['cluster nats-certificate localhost --out nats'],
    ['node token --name inv-1'],
    ['node tokens', /^\S+ +invoker/m],
    ['node list'],
    ['fsck', /keys \d/],
    ['advisories import advisory.json'],
    ['advisories status'],
    ['image keygen release.key'],
    ['image list --store', /nodejs:24/],
    ['image build app --tag app:1 --sign release.key'],
    ['image sign nodejs:24 --key release.key'],
    ['image verify nodejs:24 --key release.key.pub'],
    // The exit code depends on the findings.
    ['image scan nodejs:24', /^has +\d+ components/m],
    ['image delete app:1'],
    ['backup b.tar.zst --with-keys'],
    ['restore b.tar.zst --replace'],
  ])(
    'stays that user’s after ward %s',
    async (command: string, says?: RegExp) => {
      const { code, stdout, stderr } = await run(command);
      if (says === undefined) expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, '']);
      else expect(stdout + stderr).toMatch(says);
      expect(await strangers()).toEqual([]);
    },
    110_000,
  );

  it('can be read and written by that user afterwards', async () => {
    for (const command of [
      'namespace create later',
      'vault rotate',
      'advisories import advisory.json',
      'image delete own:v1',
    ]) {
      const { code, stderr } = await run(command, { as: owner.uid });
      expect([command, code, code === 0 ? '' : stderr]).toEqual([command, 0, '']);
    }
    expect((await run('namespace list --all')).stdout).toMatch(/^later /m);
  });

  it('takes keys from the operator’s own file, which stays root’s, as does a backup', async () => {
    const [keyFile, config] = [inFolder('operator.keys'), inFolder('elsewhere.json')];
    const own = readFileSync(dataPaths(place.dataDir).parameterKeys);
    writeFileSync(keyFile, own, { mode: 0o600 });
    const settings = { images: place.imagesDir, parameters: { keyFile } };
    writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
    for (const command of ['vault rotate', 'vault status', 'backup keys.tar.zst --with-keys']) {
      const { code, stderr } = await run(command, { config });
      expect([command, code, code === 0 ? '' : stderr]).toEqual([command, 0, '']);
    }
    expect(readFileSync(keyFile).length).toBeGreaterThan(own.length);
    for (const file of [keyFile, inFolder('keys.tar.zst')]) {
      const { uid, mode } = lstatSync(file);
      expect([uid, mode & 0o777]).toEqual([0, 0o600]);
    }
    expect(await strangers()).toEqual([]);
  });

  it.each([
    ['the database', 'state/ward.db', 'namespace list --all'],
    ['the gate’s database', 'gate/gate.db', 'audit list --all'],
    ['the policy', 'gate/policy.yaml', 'policy show'],
    ['the file of the first key', 'guest.auth', 'namespace rotate-key guest'],
    ['the stage of a backup', 'backup', 'backup other.tar.zst'],
  ])('does not lead root elsewhere when %s is a link', async (_what, path, command) => {
    const victim = inFolder('victim');
    writeFileSync(victim, 'root alone knows', { mode: 0o600 });
    await chmod(victim, 0o640);
    const link = join(place.dataDir, path);
    const before = `${link}.before`;
    if (existsSync(link)) renameSync(link, before);
    await symlink(victim, link);
    const { stdout, stderr } = await run(command);
    expect(stdout + stderr).not.toContain('root alone knows');
    const { uid, mode } = lstatSync(victim);
    expect([readFileSync(victim, 'utf8'), uid, mode & 0o777]).toEqual(['root alone knows', 0, 0o640]);
    rmSync(link, { force: true, recursive: true });
    if (existsSync(before)) renameSync(before, link);
  });
});
