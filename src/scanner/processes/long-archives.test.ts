/** A jar that is larger than the memory of a scan process, as Spring applications can be. */
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { digestOf } from '../../blobs/index.ts';
import { imageOf, temporaryFolder } from '../scanner.fixture.ts';
import { idsOf, matcherOf, scannerWith, zipOf } from '../scans.fixture.ts';

const rules = new URL('../all-inspectors.ts', import.meta.url);
const mebibyte = 1024 ** 2;
/** The figure in `docs/benchmarks.md` for scan processes. */
const mostMemory = 300 * mebibyte;
const program = 'processes/program.ts';

const library = await zipOf({
  'META-INF/maven/org.example/lib/pom.properties': 'groupId=org.example\nartifactId=lib\nversion=1.2\n',
  'a/A.class': 'x',
});

it('a jar of 150 MiB is opened, in no more memory than any other takes', async () => {
  await using folder = await temporaryFolder();
  const jar = join(folder.path, 'app.jar');
  const zip = new ZipFile();
  const filler = randomBytes(30 * mebibyte);
  for (let at = 0; at < 5; at++) zip.addBuffer(filler, `BOOT-INF/lib/${at}.bin`, { compress: at === 4 });
  zip.addBuffer(library, 'BOOT-INF/lib/lib-1.2.jar', { compress: false });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(jar));
  const layer = join(folder.path, 'layer.tar');
  await pipeline(await tarWith('app/app.jar', jar), createWriteStream(layer));
  const digest = digestOf(readFileSync(layer));

  await using scanner = scannerWith({
    matcher: matcherOf(['org.example:lib']),
    inspectors: { module: rules, data: {} },
  });
  const image = imageOf([]);
  const mediaType = 'application/vnd.oci.image.layer.v1.tar';
  const open = async () => createReadStream(layer);
  const report = await scanner.scanImage({
    ...image,
    layers: [{ digest, diffId: digest, mediaType, open }],
  });
  expect(report.inventory.gaps).toEqual([]);
  expect(idsOf(report)).toContain('CVE-org.example:lib');
  expect(report.findings[0]?.places).toEqual([
    { path: 'app/app.jar!/BOOT-INF/lib/lib-1.2.jar', layer: digest },
  ]);
  const peaks = await peaksOfScans();
  expect(peaks.length).toBeGreaterThan(0);
  expect(Math.max(...peaks)).toBeLessThan(mostMemory);
});

async function tarWith(name: string, file: string) {
  const tar = pack();
  const { size } = await stat(file);
  const entry = tar.entry({ name, size });
  pipeline(createReadStream(file), entry).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return tar;
}

/** The peak memory of each scan process of this one. */
async function peaksOfScans(): Promise<readonly number[]> {
  const peaks: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (!words.some((word) => word.endsWith(program)) || !isBelow(pid)) continue;
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    peaks.push(Number(peak) * 1024);
  }
  return peaks;
}

function isBelow(pid: string): boolean {
  if (pid === `${process.pid}`) return true;
  if (Number(pid) <= 1) return false;
  return isBelow(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0');
}
