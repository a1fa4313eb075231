/**
 * A push of a 500 MB image to one server and its pull from another, with PostgreSQL and a store between them, against a
 * server with SQLite and files. The store is moto, which is written in Python, or a program that only keeps bytes.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../src/lib/index.ts';
import { startBare } from '../bare-server.ts';
import { makeImage, mebibyte, startWardRegistry, timed } from '../registry.ts';
import { median, type Row } from '../table.ts';
import { cpuMs } from './hop.ts';
import type { Site } from './site.ts';

const rounds = 3;
const target = 1.5;
const ways = ['files', 'moto', 'bare'] as const;

interface Sample {
  readonly ms: number;
  /** Of Ward's processes. */
  readonly cpuMs: number;
}

type Samples = Readonly<Record<(typeof ways)[number], Sample[]>>;

export async function imageRows(site: Site, folder: string): Promise<readonly Row[]> {
  const image = join(folder, 'image');
  await makeImage(image, 5, 100 * mebibyte);
  const samples: Samples = { files: [], moto: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    samples.files.push(await pushAndPull(image, folder, []));
    const { store, blobs } = (await site.place()).settings;
    samples.moto.push(await pushAndPull(image, folder, [store, blobs]));
    await using bare = await startBare('./cluster/bare-store.ts');
    const own = (await site.place()).settings.store;
    samples.bare.push(await pushAndPull(image, folder, [own, `s3://bare/ward?endpoint=${bare.url}`]));
  }
  const push = 'push of a 500 MB image to one server, and its pull from another, by way of';
  return [
    row(`${push} moto`, 'moto', samples, ({ ms }) => ms),
    row(`${push} a store that only keeps bytes`, 'bare', samples, ({ ms }) => ms),
    row('processor time of Ward for it', 'bare', samples, (sample) => sample.cpuMs),
  ];
}

function row(what: string, way: 'moto' | 'bare', samples: Samples, figure: (sample: Sample) => number): Row {
  const [base, ours] = [median(samples.files.map(figure)), median(samples[way].map(figure))];
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  const hasTarget = way === 'moto';
  return {
    what,
    baseline: `one server with files ${seconds(base)}`,
    ward: seconds(ours),
    result: `${(ours / base).toFixed(2)} ×`,
    target: hasTarget ? `≤ ${target} ×` : '–',
    isMet: hasTarget ? ours <= target * base : undefined,
  };
}

/** @param shared database and bucket of two servers; none: one server, with files */
async function pushAndPull(image: string, folder: string, shared: readonly string[]): Promise<Sample> {
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
    const used = () =>
      [to, ...(other === undefined ? [] : [other])].reduce((sum, { pid }) => sum + cpuMs(pid), 0);
    const before = used();
    const push = await timed([
      ...['--dest-tls-verify=false', '--dest-creds', 'bench:bench'],
      ...[`oci:${image}:v1`, `docker://${to.host}/guest/app:v1`],
    ]);
    const pull = await timed([
      ...['--src-tls-verify=false', '--src-creds', 'bench:bench'],
      ...[`docker://${from.host}/guest/app:v1`, `dir:${dir}/pulled`],
    ]);
    return { ms: push + pull, cpuMs: used() - before };
  } finally {
    await rm(dir, { recursive: true });
    // What one has not written yet must not slow down the other.
    await mustRun(['sync']);
  }
}
