import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openBase } from './base.ts';
import { boot, type Lsm } from './boot.ts';
import { cacheDir } from './paths.ts';
import { makeProjectDisk } from './project-disk.ts';
const t0 = Date.now();
const say = (s: string) => console.log(((Date.now() - t0) / 1000).toFixed(1), s);
const base = await openBase(say);
say('base ready');
const folder = await mkdtemp(join(cacheDir, 'run-'));
try {
  const disk = await makeProjectDisk(folder, '/var/lib/ward/images');
  say('disk');
  for (const lsm of process.argv.slice(2) as Lsm[]) {
    const r = await boot(base, disk, lsm, folder);
    say(lsm);
    console.log(r.output);
    console.log('--- console', r.console.slice(-6000));
  }
} finally { await rm(folder, { recursive: true }); }
