/**
 * Protects the runtime's file from writes. A program in a sandbox reaches the file of its runtime through
 * /proc/self/exe (CVE-2019-5736); on a read-only mount not even root can open it for writing. The mount is Ward's own
 * (isolation.ts): the host doesn't see it, it ends with Ward, and it keeps the probed file when the host's package is
 * replaced.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { unmountBelow } from '../host/mounts.ts';

/**
 * Mounts the program read-only in `dir` and returns its path; without Ward's isolation it returns the program itself.
 */
export async function sealProgram(program: string, dir: string, name: string): Promise<string> {
  if (!isIsolated()) return program;
  const path = join(dir, name);
  // A Ward that was killed in these namespaces may have left a mount, and processes that still run from it.
  await unmountBelow(path);
  await mkdir(dir, { recursive: true, mode: 0o711 });
  await writeFile(path, '', { mode: 0o600 });
  await mustRun(['mount', '--bind', '-o', 'ro,nosuid,nodev', program, path], { timeoutMs: 30_000 });
  return path;
}

/** Unmounts everything in `dir`, and removes `dir`. */
export async function unsealAll(dir: string): Promise<void> {
  await unmountBelow(dir);
  await rm(dir, { recursive: true, force: true });
}
