/** A checkout of an older commit of this repository, with the packages of its lock file, outside of this one. */
import { createHash } from 'node:crypto';
import { chmod, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../../src/lib/index.ts';

export interface OlderCheckout extends AsyncDisposable {
  readonly launcher: string;
  /** The commit, in full. */
  readonly commit: string;
  /** Its subject. */
  readonly subject: string;
}

const root = join(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
const lockFile = 'package-lock.json';
const installMs = 600_000;

/** @param name of the commit, as Git takes it */
export async function checkOut(name: string): Promise<OlderCheckout> {
  const git = (...words: string[]) => mustRun(['git', '-C', root, ...words]);
  const found = await git('log', '-1', '--format=%H %s', name, '--');
  const [, commit = '', subject = ''] = /^(\S+) (.*)/.exec(found) ?? [];
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-older-'));
  stack.defer(() => folder.remove());
  // The server's user reads it.
  await chmod(folder.path, 0o755);
  const archive = join(folder.path, 'older.tar');
  await git('archive', '--format=tar', `--output=${archive}`, commit);
  await mustRun(['tar', '--extract', '--no-same-owner', '--file', archive, '--directory', folder.path]);
  if ((await digestOf(folder.path)) === (await digestOf(root)))
    // Not a link: the server sees nothing outside of its checkout.
    await mustRun(['cp', '--archive', '--dereference', modules, folder.path]);
  else
    await mustRun(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd: folder.path,
      timeoutMs: installMs,
    });
  const owned = stack.move();
  return {
    ...{ launcher: join(folder.path, 'bin/ward.mjs'), commit, subject },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function digestOf(folder: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(folder, lockFile)))
    .digest('hex');
}
