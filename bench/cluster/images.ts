/**
 * A push of a 500 MB image to one server and its pull from another, with PostgreSQL and an S3-compatible store between
 * them, against a server with SQLite and files.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../src/lib/index.ts';
import { makeImage, mebibyte, startWardRegistry, timed } from '../registry.ts';
import { median, type Row } from '../table.ts';
import type { Site } from './site.ts';

const rounds = 3;
const target = 1.5;

export async function imageRow(site: Site, folder: string): Promise<Row> {
  const image = join(folder, 'image');
  await makeImage(image, 5, 100 * mebibyte);
  const samples = { files: [] as number[], bucket: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    samples.files.push(await pushAndPull(image, folder, []));
    const { store, blobs } = (await site.place()).settings;
    samples.bucket.push(await pushAndPull(image, folder, [store, blobs]));
  }
  const [base, ours] = [median(samples.files), median(samples.bucket)];
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  return {
    what: 'push of a 500 MB image to one server, and its pull from another, by way of moto',
    baseline: `one server with files ${seconds(base)}`,
    ward: seconds(ours),
    result: `${(ours / base).toFixed(2)} ×`,
    target: `≤ ${target} ×`,
    isMet: ours <= target * base,
  };
}

/** @param shared database and bucket of two servers; none: one server, with files */
async function pushAndPull(image: string, folder: string, shared: readonly string[]): Promise<number> {
  const dir = await mkdtemp(join(folder, 'registries-'));
  const startOne = async (name: string) => {
    const own = join(dir, name);
    await mkdir(own);
    return await startWardRegistry(own, ...shared);
  };
  try {
    await using to = await startOne('to');
    await using other = shared.length === 0 ? undefined : await startOne('from');
    const from = other ?? to;
    const push = await timed([
      ...['--dest-tls-verify=false', '--dest-creds', 'bench:bench'],
      ...[`oci:${image}:v1`, `docker://${to.host}/guest/app:v1`],
    ]);
    const pull = await timed([
      ...['--src-tls-verify=false', '--src-creds', 'bench:bench'],
      ...[`docker://${from.host}/guest/app:v1`, `dir:${dir}/pulled`],
    ]);
    return push + pull;
  } finally {
    await rm(dir, { recursive: true });
    // What one has not written yet must not slow down the other.
    await mustRun(['sync']);
  }
}
