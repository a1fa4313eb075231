/** `ward fsck` beside a server and after it, as an operator runs it. */
import { appendFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runInFolder } from '../src/cli/in-process.fixture.ts';
import { openImageStore } from '../src/images/index.ts';
import { storeOf } from './engine-switch.ts';
import { writeImage } from './gate/layout.ts';
import { imagesDir, missingForSandboxes, outsideEnv, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes();

describe.skipIf(missing !== undefined)(`ward fsck${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let ward: Ward;
  let images: string;
  let config: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-fsck-'));
    await chmod(folder, 0o755);
    images = join(folder, 'images');
    config = join(folder, 'ward.yaml');
    // A check of the machine's own store would compare a GiB.
    writeFileSync(config, stringify({ images }));
    await writeImage(images, { run: '#!/usr/bin/env node\n' });
    ward = await Ward.start();
    await ward.deploy('hello', 'function main() { return { ok: true } }');
    await ward.invoke('hello');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  let hasStarted = false;
  async function fsck(...more: string[]) {
    const argv = ['fsck', '--data', ward.dataDir, '--config', config, '-o', 'json', ...more];
    const env = { ...outsideEnv(), ...(await storeOf(ward.dataDir)), WARD_IMAGES: undefined };
    // The first one as a process, as an operator runs it. The others run here, which costs less.
    const { code, stdout, stderr } = await (hasStarted
      ? runInFolder(argv, { env, cwd: folder })
      : runWard(argv, { env }));
    hasStarted = true;
    return { code, stderr, report: stdout === '' ? undefined : JSON.parse(stdout) };
  }

  it('finds nothing beside a server that is called meanwhile, and harms no call', async () => {
    let isOver = false;
    const calls = (async () => {
      const statuses = new Set<string>();
      for (let n = 0; !isOver; n++) {
        const name = `changing-${n % 2}`;
        const deployed = await ward.deploy(name, `function main() { return { n: ${n} } }`);
        statuses.add(`${deployed.status} ${deployed.body.error ?? ''}`);
        const called = await ward.invoke(name);
        statuses.add(`${called.status} ${called.body.error ?? ''}`);
      }
      return [...statuses];
    })();
    const { code, stderr, report } = await fsck();
    isOver = true;
    expect(await calls).toEqual(['200 ']);
    expect(report.findings).toEqual([]);
    const databases = 'WARD_STORE' in (await storeOf(ward.dataDir)) ? 0 : 3;
    expect(report).toMatchObject({ isRunning: true, checked: { databases } });
    expect(code).toBe(0);
    expect(stderr).toContain('a server runs on this folder');
    expect(await fsck('--repair')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('WARD_RUNNING'),
    });
  });

  it('the usage of the day is that of its records, over the API and on the machine', async () => {
    await ward.deploy('failing', 'function main() { throw new Error() }');
    await ward.deploy('two', '', { exec: { kind: 'sequence', components: ['/_/hello', '/_/failing'] } });
    await ward.invoke('two');
    const { body } = await ward.request('GET', '/api/v1/namespaces/_/activations?limit=0&docs=true');
    const sums = { calls: 0, coldStarts: 0, mibMs: 0 };
    for (const { annotations, duration } of body) {
      const of = (key: string) => annotations.find((each: { key: string }) => each.key === key)?.value;
      sums.calls++;
      if (of('start') === 'cold') sums.coldStarts++;
      if (of('kind') !== 'sequence') sums.mibMs += duration * of('limits').memory;
    }
    const run = async (...words: string[]) => {
      const env = { ...outsideEnv(), ...(await storeOf(ward.dataDir)) };
      return (await runInFolder(words, { env, cwd: folder })).stdout;
    };
    const [first, ...others] = JSON.parse(
      await run('usage', '--apihost', ward.url, '--auth', ward.auth, '-o', 'json'),
    );
    expect(first).toMatchObject({ namespace: 'guest', ...sums, gibSeconds: sums.mibMs / 1_024_000 });
    expect(sums.coldStarts).toBeGreaterThan(0);
    expect(others).toEqual([]);
    const table = await run('usage', '--all', '--data', ward.dataDir, '--csv');
    const { calls, coldStarts, mibMs } = sums;
    expect(table.split('\r\n')[1]).toMatch(
      new RegExp(`^${first.day},guest,\\S+Z,${calls},${coldStarts},${mibMs},`),
    );
    const now = JSON.parse(
      await run('namespace', 'calls', '--window', '1d', '--data', ward.dataDir, '-o', 'json'),
    );
    const failed = body.filter(
      ({ response }: { response: { success: boolean } }) => !response.success,
    ).length;
    expect(now).toMatchObject({ total: 1, namespaces: [{ namespace: 'guest', calls, coldStarts, failed }] });
  });

  it('notices a changed file in an unpacked layer and removes the layer, which is unpacked again', async () => {
    await ward.stop();
    const unpack = async () => {
      await using store = await openImageStore({ dir: images, mountsDir: join(folder, 'mounts') });
      return (await store.resolve(`oci:${images}:v1`)).layerDirs;
    };
    const [layer = ''] = await unpack();
    const program = readdirSync(layer, { recursive: true })
      .map(String)
      .find((name) => name.endsWith('run'));
    appendFileSync(join(layer, program ?? ''), '// changed\n');
    const told = await fsck();
    expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining('DATA_DAMAGED') });
    expect(told.report.findings).toMatchObject([
      {
        area: 'layers',
        problem: `${program} has the wrong size`,
        remedy: expect.stringContaining('--repair'),
      },
    ]);
    const repaired = await fsck('--repair');
    expect(repaired).toMatchObject({ code: 0, report: { findings: [], repaired: [expect.any(String)] } });
    expect(await unpack()).toContain(layer);
    expect(await fsck()).toMatchObject({ code: 0, report: { findings: [], checked: { layers: 1 } } });
  });

  it('is not needed to notice a changed runner: a running server checks by itself', async () => {
    const store = join(folder, 'store');
    // Without the unpacked layers, so that this test has its own.
    for (const name of ['index.json', 'oci-layout', 'blobs'])
      cpSync(join(imagesDir, name), join(store, name), { recursive: true });
    const settings = { images: store, checks: { everyMinutes: 0.02 } };
    const { ward: watching, said } = await Ward.startSaying(settings);
    await using served = watching;
    await served.deploy('hello', 'function main() { return { ok: true } }');
    expect((await served.invoke('hello')).status).toBe(200);
    const figure = async () =>
      /^ward_damaged_parts (\d+)$/m.exec((await served.request('GET', '/metrics')).body)?.[1];
    expect(await figure()).toBe('0');
    appendFileSync(findFile(join(store, 'layers', 'unpacked'), 'runner.cjs') ?? '', '\n');
    await served.until(async () => (await figure()) === '1');
    expect(said()).toContain('an unpacked layer differs from its image');
    expect(said()).toMatch(/runner\.cjs has the wrong size/);
    expect((await served.invoke('hello')).status).toBe(200);
  });
});

/** Follows no links, which would lead out of a layer. */
function findFile(dir: string, name: string): string | undefined {
  const entries = readdirSync(dir, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && entry.name === name)) return join(dir, name);
  for (const entry of entries) {
    const found = entry.isDirectory() ? findFile(join(dir, entry.name), name) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
