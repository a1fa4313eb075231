/** Whole scans in processes of their own, and what becomes of them when what is read is a trap. */
import { describe, expect, it } from 'vitest';
import { filesTar, imageOf, plainConfig } from '../scanner.fixture.ts';
import { app, base, idsOf, module, scannerWith } from '../scans.fixture.ts';
import { findConfinement } from './confinement.ts';

describe('a process', () => {
  it('that does not come back from a configuration in time is ended, and so is the scan', async () => {
    await using scanner = scannerWith({ inspectors: { module }, timeoutMs: 1000 });
    const hanging = imageOf([base], { ...plainConfig, user: 'hang' });
    await expect(scanner.scanImage(hanging)).rejects.toMatchObject({ code: 'SCAN_TIMED_OUT' });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('that does not come back in time is ended, which is a gap', async () => {
    await using scanner = scannerWith({ inspectors: { module }, timeoutMs: 1000 });
    const report = await scanner.scanImage(imageOf([await filesTar({ hang: 'x' })]));
    expect(report.inventory.gaps).toEqual([{ path: '', reason: expect.stringContaining('within 1 s') }]);
  });

  it('that is busy is ended when nobody wants to know any more, and replaced', async () => {
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

  it('that dies fails its scan, and no other', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    await expect(scanner.scanImage(imageOf([await filesTar({ die: 'x' })]))).rejects.toMatchObject({
      code: 'SCAN_FAILED',
    });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('that runs out of memory fails its scan, says so, and fails no other', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    await expect(scanner.scanImage(imageOf([await filesTar({ hungry: 'x' })]))).rejects.toMatchObject({
      code: 'SCAN_FAILED',
      message: expect.stringContaining('MiB of memory'),
    });
    expect(idsOf(await scanner.scanImage(imageOf([app])))).toEqual(['CVE-lodash', 'password']);
  });

  it('has no capability, can gain none, has no network, and writes nothing where there is Landlock', async () => {
    await using scanner = scannerWith({ inspectors: { module } });
    const { findings } = await scanner.scanImage(imageOf([await filesTar({ look: 'x' })]));
    const hasLandlock = (await findConfinement())(undefined).includes('--landlock-access');
    expect(findings.find(({ id }) => id === 'look')?.title).toBe(
      `Inh 0, Prm 0, Eff 0, Bnd 0, Amb 0, NoNewPrivs 1, interfaces: none, writing: ${hasLandlock ? 'EACCES' : 'yes'}`,
    );
  });

  it('that can not load who looks at files fails every scan', async () => {
    await using scanner = scannerWith({ inspectors: { module: new URL('file:///nothing.ts') } });
    await expect(scanner.scanImage(imageOf([app]))).rejects.toMatchObject({ code: 'SCAN_FAILED' });
  });
});
