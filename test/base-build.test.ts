/** `ward base build --sign` in a store of its own, from the cache of the real store; verified by the real cosign. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { guestKey, startRegistry, type TestRegistry } from '../src/registry/registry.fixture.ts';
import { type BlackboxImages, linkAll, makeBlackboxImages } from './blackbox/image.ts';
import { missingForSandboxes, runWard } from './ward.ts';

const missing = missingForSandboxes();
const hasClients = (
  await Promise.all(
    ['cosign', 'skopeo'].map((name) => runCommand([name, '--help']).catch(() => ({ code: 1 }))),
  )
).every(({ code }) => code === 0);
if (!hasClients) console.warn('cosign or skopeo is missing: the test of base build is skipped');

describe.skipIf(missing !== undefined || !hasClients)(
  `bases that Ward builds${missing ? ` (${missing})` : ''}`,
  { timeout: 300_000 },
  () => {
    let folder: string;
    let images: BlackboxImages;
    let registry: TestRegistry;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ward-base-'));
      images = await makeBlackboxImages({});
      // `build/apt` has what apt answered before: it takes half a minute to answer again.
      for (const each of ['debs', 'npm', 'layers', 'apt']) await linkAll(`build/${each}`, images.dir);
      registry = await startRegistry();
    });
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]();
      await images?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });
    const ward = (...args: readonly string[]) =>
      runWard(args, {
        cwd: folder,
        timeoutMs: 300_000,
        env: { WARD_IMAGES: images.dir, WARD_DATA: join(folder, 'data'), WARD_KEY_PASSPHRASE: 'base' },
      });

    it('are each signed with a key that cosign accepts, and with no other', async () => {
      for (const name of ['base.key', 'other.key'])
        expect(await ward('image', 'keygen', name)).toMatchObject({ code: 0 });
      const built = await ward('base', 'build', '--sign', 'base.key', '-o', 'json');
      expect(built).toMatchObject({ code: 0 });
      const bases: readonly { name: string; digest: string; signedBy: string }[] = JSON.parse(built.stdout);
      expect(bases.map(({ name }) => name)).toContain('nodejs:24');
      expect(new Set(bases.map(({ signedBy }) => signedBy)).size).toBe(1);
      for (const { name } of bases)
        expect(await ward('image', 'verify', name, '--key', 'base.key.pub')).toMatchObject({ code: 0 });
      expect((await ward('image', 'verify', 'nodejs:24', '--key', 'other.key.pub')).code).toBe(3);

      const host = registry.url.replace('http://', '');
      const auth = Buffer.from(guestKey).toString('base64');
      await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
      const { digest = '' } = bases.find(({ name }) => name === 'base:13') ?? {};
      const signature = `${digest.replace(':', '-')}.sig`;
      for (const [from, to] of [
        ['base:13', '13'],
        [signature, signature],
      ])
        expect(
          await runCommand([
            ...['skopeo', '--insecure-policy', 'copy', '--preserve-digests', '--dest-tls-verify=false'],
            ...[`--dest-creds=${guestKey}`, `oci:${images.dir}:${from}`, `docker://${host}/guest/base:${to}`],
          ]),
        ).toMatchObject({ code: 0 });
      const cosign = (key: string) =>
        runCommand(
          [
            ...['cosign', 'verify', '--key', join(folder, key), '--insecure-ignore-tlog=true'],
            ...['--allow-http-registry', `${host}/guest/base:13`],
          ],
          { env: { ...process.env, DOCKER_CONFIG: folder } },
        );
      const verified = await cosign('base.key.pub');
      expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining(digest) });
      expect((await cosign('other.key.pub')).code).not.toBe(0);
    });
  },
);
