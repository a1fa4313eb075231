/** Decides which entries of a folder stay out of an image, and why. */
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { openSourceFile } from './folder-file.ts';
import type { IgnoreRules } from './ignore-file.ts';
import { holdsPrivateKey, isSecretFile, isSecretFolder } from './secret-files.ts';

/**
 * `ignored`: by the ignore file. `secret`: by its name. `cache`: it can be created again. `foreign`: programs of a
 * virtualenv, which belong to the machine that created it. `build`: an input or output of the build.
 */
export type LeftOutReason = 'ignored' | 'secret' | 'cache' | 'foreign' | 'build';

export interface LeftOutRules {
  /** Real and absolute. */
  readonly root: string;
  readonly rules: IgnoreRules;
  /** Absolute paths to ignore. */
  readonly without: readonly string[];
}

export interface Candidate {
  /** Without a leading slash. */
  readonly path: string;
  readonly name: string;
  readonly stats: Stats;
  /** All names in its folder. */
  readonly siblings: ReadonlySet<string>;
}

/** The first one that exists counts. */
export const ignoreFiles: readonly string[] = ['.wardignore', '.dockerignore'];
const keyHeadBytes = 64 * 1024;

/** The reason for leaving an entry out; undefined when it goes in. @throws Fault BUILD_FOLDER_INVALID */
export async function whyLeftOut(
  { root, rules, without }: LeftOutRules,
  { path, name, stats, siblings }: Candidate,
): Promise<LeftOutReason | undefined> {
  if (without.includes(join(root, path)) || ignoreFiles.includes(path)) return 'build';
  const verdict = rules.verdict(path);
  if (verdict === 'out') return 'ignored';
  if (verdict === 'in') return undefined;
  if (stats.isDirectory()) {
    if (isSecretFolder(name)) return 'secret';
    if (name === '__pycache__') return 'cache';
    return name === 'bin' && siblings.has('pyvenv.cfg') ? 'foreign' : undefined;
  }
  const isSecret = isSecretFile(name);
  if (isSecret !== 'perhaps') return isSecret ? 'secret' : undefined;
  return stats.isFile() && (await hasPrivateKey(root, path, stats.size)) ? 'secret' : undefined;
}

async function hasPrivateKey(root: string, path: string, sizeBytes: number): Promise<boolean> {
  const file = await openSourceFile(root, { path, sizeBytes });
  try {
    const head = Buffer.alloc(Math.min(sizeBytes, keyHeadBytes));
    await file.read(head, 0, head.length, 0);
    return holdsPrivateKey(head);
  } finally {
    await file.close();
  }
}
