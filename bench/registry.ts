/**
 * Push and pull of a 500 MB image by skopeo, with and without Ward's gate, against Debian's docker-registry on the same
 * disk. Each round has its own servers and folders, since skopeo and registries remember what was pushed. A small image
 * is pushed first, since registries run for weeks. The first push after a start has a row of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf, openBlobStore } from '../src/blobs/index.ts';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { mustRun, scanId } from '../src/lib/index.ts';
import { peakMemoryMiB } from '../test/peak-memory.ts';
import { findDockerRegistry } from './docker-registry.ts';
import { median, type Row } from './table.ts';

export const mebibyte = 1024 * 1024;
const rounds = 5;
const limitMiB = 300;

interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly host: string;
  /** Peak memory of the registry and its scan processes, in MiB. */
  peakMiB(): Promise<number>;
}

/** Folders with OCI layouts. */
interface Images {
  readonly small: string;
  readonly large: string;
}

interface Samples {
  readonly push: number[];
  readonly pull: number[];
  readonly peakMiB: number[];
}

export async function benchRegistry(folder: string): Promise<readonly Row[]> {
  const docker = await findDockerRegistry();
  if (docker === undefined) return [];
  const images: Images = { small: join(folder, 'small'), large: join(folder, 'large') };
  await makeImage(images.small, 1, mebibyte);
  await makeImage(images.large, 5, 100 * mebibyte);
  const samples = {
    docker: emptySamples(),
    ward: emptySamples(),
    gated: emptySamples(),
    first: emptySamples(),
  };
  const warm = [images.small, images.large];
  for (let round = 0; round < rounds; round++) {
    await measure(folder, samples.docker, (dir) => startDocker(docker, dir), warm);
    await measure(folder, samples.ward, (dir) => startWardRegistry(dir), warm);
    await measure(folder, samples.gated, (dir) => startWardRegistry(dir, 'gated'), warm);
    await measure(folder, samples.first, (dir) => startWardRegistry(dir, 'gated'), [images.large]);
  }
  const { ward, gated, first } = samples;
  const peak = Math.max(...ward.peakMiB, ...gated.peakMiB, ...first.peakMiB);
  const both = (each: Samples) => each.push.map((push, round) => push + (each.pull[round] ?? 0));
  return [
    ratioRow('push of a 500 MB image by skopeo', samples.docker.push, ward.push, 1),
    ratioRow('pull of a 500 MB image by skopeo', samples.docker.pull, ward.pull, 1),
    ratioRow('push with its scan, and pull', both(samples.docker), both(gated), 1.5),
    ratioRow('the same as the first after the start', both(samples.docker), both(first)),
    {
      what: 'peak memory of the registry and its scans',
      baseline: `docker-registry ${Math.max(...samples.docker.peakMiB).toFixed(0)} MiB`,
      ward: `${peak.toFixed(0)} MiB`,
      result: `${peak.toFixed(0)} MiB`,
      target: `< ${limitMiB} MiB`,
      isMet: peak < limitMiB,
    },
  ];
}

/** Pushes the images one after the other. Measures the last push, and a pull of the same image. */
async function measure(
  folder: string,
  samples: Samples,
  start: (dir: string) => Promise<Server>,
  images: readonly string[],
): Promise<void> {
  const dir = await mkdtemp(join(folder, 'registry-'));
  try {
    await using server = await start(dir);
    const name = `docker://${server.host}/guest/app:v1`;
    let push = 0;
    for (const image of images) {
      push = await timed(['--dest-tls-verify=false', '--dest-creds', 'bench:bench', `oci:${image}:v1`, name]);
    }
    samples.push.push(push);
    samples.pull.push(
      await timed(['--src-tls-verify=false', '--src-creds', 'bench:bench', name, `dir:${dir}/pulled`]),
    );
    samples.peakMiB.push(await server.peakMiB());
  } finally {
    await rm(dir, { recursive: true });
    // One registry's unwritten data must not slow down the other.
    await mustRun(['sync']);
  }
}

export async function timed(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await mustRun(['skopeo', '--insecure-policy', 'copy', '--preserve-digests', ...args]);
  return performance.now() - startedAt;
}

/** Makes layers of random bytes, gzipped without compression. */
export async function makeImage(dir: string, layers: number, layerBytes: number): Promise<void> {
  const blobs = openBlobStore(dir);
  const put = async (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: await blobs.put(bytes),
    size: bytes.length,
  });
  const image = 'application/vnd.oci.image';
  const descriptors: object[] = [];
  const diffIds: string[] = [];
  for (let at = 0; at < layers; at++) {
    const archive = pack();
    archive.entry({ name: `file-${at}` }, randomBytes(layerBytes));
    archive.finalize();
    const tar = await buffer(archive);
    diffIds.push(digestOf(tar));
    descriptors.push(await put(gzipSync(tar, { level: 0 }), `${image}.layer.v1.tar+gzip`));
  }
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } };
  const manifest = {
    schemaVersion: 2,
    config: await put(Buffer.from(JSON.stringify(config)), `${image}.config.v1+json`),
    layers: descriptors,
  };
  const entry = await put(Buffer.from(JSON.stringify(manifest)), `${image}.manifest.v1+json`);
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  await writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(dir, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  );
}

/** @param args of test/registry-server.ts: `gated`, or a database and a bucket */
export async function startWardRegistry(dir: string, ...args: readonly string[]): Promise<Server> {
  const program = fileURLToPath(new URL('../test/registry-server.ts', import.meta.url));
  const store = join(dir, 'store');
  await lendToScans(dir, store);
  const child = spawn(process.execPath, [program, store, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready http:\/\/(\S+)/.exec(line)?.[1];
    if (url !== undefined) return serverOf(child, url);
  }
  throw new Error('the registry did not start');
}

/** Runs it as under a keeper, where a scan process has the group of the blobs. */
async function lendToScans(dir: string, store: string): Promise<void> {
  for (const way of [dirname(dir), dir]) await chmod(way, 0o711);
  await mkdir(store);
  await chown(store, process.getuid?.() ?? 0, scanId);
  await chmod(store, 0o2750);
}

async function startDocker(program: string, dir: string): Promise<Server> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(dir, 'config.yml');
  await mkdir(join(dir, 'store'));
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(dir, 'store') } },
      http: { addr: host },
    }),
  );
  const child = spawn(program, ['serve', config], { stdio: ['ignore', 'ignore', 'ignore'] });
  for (;;) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok) return serverOf(child, host);
    if (child.exitCode !== null) throw new Error('docker-registry did not start');
    await new Promise(setImmediate);
  }
}

function serverOf(child: ChildProcess, host: string): Server {
  const { pid = 0 } = child;
  return {
    ...{ pid, host },
    peakMiB: () => peakMemoryMiB(pid),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function emptySamples(): Samples {
  return { push: [], pull: [], peakMiB: [] };
}

function ratioRow(what: string, docker: readonly number[], ward: readonly number[], most?: number): Row {
  const [base, ours] = [median(docker), median(ward)];
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  return {
    what,
    baseline: `docker-registry ${seconds(base)}`,
    ward: seconds(ours),
    result: `${(ours / base).toFixed(2)} ×`,
    target: most === undefined ? 'reported' : `≤ ${most} ×`,
    isMet: most === undefined ? undefined : ours <= most * base,
  };
}
