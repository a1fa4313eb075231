/** The commands of the pages on functions work when pasted: they run in order, against one Ward. */
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/lib/index.ts';
import { type BlackboxImages, makeBlackboxImages } from '../blackbox/image.ts';
import { type LinkedCommand, makeLinkedCommand } from '../linked-command.ts';
import { missingForSandboxes, Ward } from '../ward.ts';
import { root } from './markdown.ts';
import { type PackageSources, startPackageSources } from './package-sources.ts';
import { cwdAfter, expectStep, stepsOf } from './steps.ts';

const missing = missingForSandboxes();
const timeout = 180_000;

interface Page {
  readonly name: string;
  /** Exits with 0 if the machine has what the page needs. */
  readonly needs?: readonly string[];
}

const venv = 'import ensurepip, pip, sys, venv; sys.exit(sys.version_info[:2] != (3, 13))';
const pages: readonly Page[] = [
  { name: 'javascript' },
  { name: 'typescript' },
  { name: 'python', needs: ['/usr/bin/python3', '-c', venv] },
  { name: 'go', needs: ['go', 'version'] },
  { name: 'dockerfile', needs: ['buildah', '--version'] },
];

const goCache = await runCommand(['go', 'env', 'GOCACHE']).then(
  ({ code, stdout }) => (code === 0 ? stdout.trim() : undefined),
  () => undefined,
);

it('every page is tried', () => {
  const there = globSync('docs/functions/*.md', { cwd: root }).map((path) => path.split('/').at(-1));
  expect(there.sort()).toEqual(pages.map(({ name }) => `${name}.md`).sort());
});

describe.skipIf(missing !== undefined)(
  `the pages on functions${missing ? ` (${missing})` : ''}`,
  { timeout },
  () => {
    let ward: Ward;
    let images: BlackboxImages;
    let sources: PackageSources;
    let folder: string;
    let command: LinkedCommand;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ward-pages-'));
      command = await makeLinkedCommand();
      sources = await startPackageSources(folder);
      // Builds images into a store of its own.
      images = await makeBlackboxImages({});
      vi.stubEnv('WARD_IMAGES', images.dir);
      ward = await Ward.start();
    }, timeout);
    afterAll(async () => {
      await ward?.[Symbol.asyncDispose]();
      await images?.[Symbol.asyncDispose]();
      await sources?.[Symbol.asyncDispose]();
      await command?.[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    });

    it.for(pages)('$name', async ({ name, needs }, { skip }) => {
      const env = {
        ...sources.env,
        // In a home of its own, Go would compile its standard library again.
        ...(goCache !== undefined && { GOCACHE: goCache }),
        PATH: `${dirname(command.path)}:/usr/bin:${process.env['PATH']}`,
        WARD_IMAGES: images.dir,
        // Where `mktemp` makes its folders.
        TMPDIR: folder,
      };
      const found =
        needs === undefined || (await runCommand(needs, { env }).catch(() => undefined))?.code === 0;
      if (!found) skip(`needs ${needs?.slice(0, 2).join(' ')}`);
      const steps = stepsOf(`docs/functions/${name}.md`);
      expect(steps.length).toBeGreaterThan(1);
      const cwdFile = join(folder, `${name}.cwd`);
      for (const step of steps) {
        const cwd = await cwdAfter(cwdFile, folder);
        await expectStep(step, { ward, cwd, env, cwdFile });
      }
    });
  },
);
