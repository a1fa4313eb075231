/** Whole scans in scan processes, and their outcome when the content is a trap. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findAbilities } from '../../lib/index.ts';
import { filesTar, imageOf, plainConfig, temporaryFolder } from '../scanner.fixture.ts';
import { app, base, idsOf, layFiles, module, scannerWith } from '../scans.fixture.ts';
import type { Deeds } from './inspectors.fixture.ts';
import { startDirectly } from './start-program.ts';

const { canBecome, canUnshare, hasFilter, hasLandlock } = await findAbilities();

describe('a scan process', () => {
  it('that takes too long for a configuration is ended, and so is the scan', async () => {
    await using scanner = scannerWith({ inspectors: { module }, timeoutMs: 1000 });
    const hanging = imageOf([base], { ...plainConfig, user: 'hang' });
    await expect(scanner.scanImage(hanging)).rejects.toMatchObject({ code: 'SCAN_TIMED_OUT' });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('that takes too long for a layer is ended, which is a gap', async () => {
    await using scanner = scannerWith({ inspectors: { module }, timeoutMs: 1000 });
    const report = await scanner.scanImage(imageOf([await filesTar({ hang: 'x' })]));
    expect(report.inventory.gaps).toEqual([{ path: '', reason: expect.stringContaining('within 1 s') }]);
  });

  it('that is busy is ended by an abort, and replaced', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    const controller = new AbortController();
    const [layer] = imageOf([await filesTar({ hang: 'x' })]).layers;
    if (layer === undefined) throw new Error('no layer');
    const open = async () => {
      setTimeout(() => controller.abort(new Error('enough')), 50);
      return layer.open();
    };
    await expect(scanner.scanLayer({ ...layer, open }, { signal: controller.signal })).rejects.toThrow(
      'enough',
    );
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('that is busy holds up no abort of a scan that waits for it', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    const over = new AbortController();
    const hanging = Array.from({ length: availableParallelism() }, (_, at) => filesTar({ hang: `${at}` }));
    const image = imageOf(await Promise.all(hanging));
    const busy = image.layers.map((layer) => scanner.scanLayer(layer, { signal: over.signal }));
    const aborted = new AbortController();
    const artifact = { name: 'nothing', digest: image.digest, blobs: [] };
    const waiting = scanner.scanArtifact(artifact, { signal: aborted.signal });
    aborted.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    over.abort(new Error('over'));
    for (const scan of busy) await expect(scan).rejects.toThrow('over');
  });

  it('that dies fails its scan, and no other', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    await expect(scanner.scanImage(imageOf([await filesTar({ die: 'x' })]))).rejects.toMatchObject({
      code: 'SCAN_FAILED',
    });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('that runs out of memory fails its scan with that reason, and no other', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    await expect(scanner.scanImage(imageOf([await filesTar({ hungry: 'x' })]))).rejects.toMatchObject({
      code: 'SCAN_FAILED',
      message: expect.stringContaining('MiB of memory'),
    });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it.runIf(canUnshare)('has no capability, can gain none, and has no network', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    const { findings } = await scanner.scanImage(imageOf([await filesTar({ look: 'x' })]));
    expect(findings.find(({ id }) => id === 'look')?.title).toBe(
      `Inh 0, Prm 0, Eff 0, Bnd 0, Amb 0, NoNewPrivs 1, Seccomp ${hasFilter ? 2 : 0}, devices: lo`,
    );
  });

  it.runIf(canBecome && hasLandlock)(
    'of root is a user without rights to root’s files and processes',
    async () => {
      await using folder = await temporaryFolder();
      await using server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const file = join(folder.path, 'private');
      await writeFile(file, 'content', { mode: 0o600 });
      // Its mode allows writing, so only the confinement can forbid it.
      await chmod(folder.path, 0o777);
      const deeds: Deeds = { file, folder: folder.path, pid: process.pid, port };
      await using scanner = scannerWith({ inspectors: { module } });
      const tried = await filesTar({ deeds: JSON.stringify(deeds) });
      const { findings } = await scanner.scanImage(imageOf([tried]));
      expect(findings.find(({ id }) => id === 'deeds')?.title).toBe(
        `passwords read write make cache signal environment connect become${hasFilter ? ' start' : ''}`,
      );
      expect(await readFile(file, 'utf8')).toBe('content');
    },
  );

  it.runIf(canUnshare)('can’t reach another scan process', async () => {
    const scan = async (files: Record<string, string>, id: string) => {
      const scanner = scannerWith({ inspectors: { module } });
      const { findings } = await scanner.scanImage(imageOf([await filesTar(files)]));
      return { scanner, title: findings.find((each) => each.id === id)?.title };
    };
    const other = await scan({ pid: '' }, 'pid');
    const one = await scan({ ends: `${other.title}` }, 'ends');
    expect(existsSync(`/proc/${other.title}`)).toBe(true);
    expect(one.title).toBe('ESRCH');
    for (const { scanner } of [one, other]) await scanner[Symbol.asyncDispose]();
  });

  it.runIf(canBecome)('gets the bytes of a layer that only root can read', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'layer');
    const bytes = await filesTar({ 'app/.env': 'PASSWORD=hunter2' });
    await writeFile(file, bytes, { mode: 0o600 });
    const [layer] = imageOf([bytes]).layers;
    if (layer === undefined) throw new Error('no layer');
    await using scanner = scannerWith({ inspectors: { module } });
    const localFile = async () => ({ path: file, [Symbol.asyncDispose]: async () => {} });
    const report = await scanner.scanImage({ ...imageOf([bytes]), layers: [{ ...layer, localFile }] });
    expect(idsOf(report)).toEqual(['password']);
  });

  it.runIf(canBecome && hasLandlock)(
    'reads a folder of root that it is allowed to read, and no other',
    async () => {
      await using folder = await temporaryFolder();
      const [open, closed] = [join(folder.path, 'open'), join(folder.path, 'closed')];
      await layFiles(open, { 'app/.env': 'PASSWORD=hunter2' });
      await layFiles(closed, { 'app/.env': 'PASSWORD=hunter2' });
      await chmod(join(open, 'app/.env'), 0o600);
      await using scanner = scannerWith({ inspectors: { module }, start: startDirectly([open]) });
      expect(idsOf(await scanner.scanFolder(open, 'open'))).toEqual(['password']);
      await expect(scanner.scanFolder(closed, 'closed')).rejects.toThrow('EACCES');
    },
  );

  it('that can’t load the inspectors fails every scan', async () => {
    await using scanner = scannerWith({ inspectors: { module: new URL('file:///nothing.ts') } });
    await expect(scanner.scanImage(imageOf([app]))).rejects.toMatchObject({ code: 'SCAN_FAILED' });
  });
});
