/**
 * Builds the container image of the scanner for CI systems: Ward's sources, its packages and its Node.js, on Ward's
 * own base with a shell. It needs no Dockerfile and no daemon: `ward image build` builds it, without running any of
 * its content.
 *
 *     node scripts/scanner-image.ts FILE.tar [ADVISORIES.db]
 */
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommand } from '../src/lib/index.ts';
import { checkout, stageWard } from './staged-ward.ts';

/** @returns the exit code of `ward image build` */
async function makeScannerImage(file: string, advisories: string | undefined): Promise<number> {
  const staged = await mkdtemp(join(tmpdir(), 'ward-scanner-image-'));
  try {
    // Another user than the builder may run it.
    await chmod(staged, 0o755);
    await stageWard(staged, ['scripts/scan-ci.sh']);
    if (advisories !== undefined) await cp(advisories, join(staged, 'advisories.db'));
    return await build(staged, file);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function build(staged: string, file: string): Promise<number> {
  const { code, stdout, stderr } = await runCommand(
    [
      ...[process.execPath, join(checkout, 'bin/ward.mjs'), 'image', 'build', staged],
      ...['--base', 'native:13', '--entrypoint', JSON.stringify(['/usr/bin/sh', '/fn/scripts/scan-ci.sh'])],
      // No scan: the build needs no advisories, and users with advisories can scan the image.
      ...[
        '--label',
        'org.opencontainers.image.title',
        'ward-scanner',
        '--no-scan',
        '--tag',
        'ward-scanner',
        '--output',
        file,
      ],
    ],
    { timeoutMs: 600_000 },
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return code ?? 1;
}

if (import.meta.main) {
  const [file, advisories] = process.argv.slice(2);
  if (file?.endsWith('.tar') !== true) {
    process.stderr.write('usage: node scripts/scanner-image.ts FILE.tar [ADVISORIES.db]\n');
    process.exitCode = 2;
  } else process.exitCode = await makeScannerImage(resolve(file), advisories);
}
