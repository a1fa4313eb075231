/** The first namespace, `guest`, whose key is written to a file that only its owner can read. */
import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { renameDurably } from '../blobs/index.ts';
import { type NamespaceService, systemNamespace } from '../functions/index.ts';

export const guest = 'guest';

/** Creates `guest` in a Ward that has no namespace yet but its own, and only then returns its key. */
export async function ensureGuest(
  namespaces: Pick<NamespaceService, 'list' | 'create'>,
  keyFile: string,
): Promise<string | undefined> {
  if ((await namespaces.list()).some(({ name }) => name !== systemNamespace)) return undefined;
  const key = await namespaces.create(guest);
  // An earlier key may open a database that is put back.
  if (existsSync(keyFile)) await rename(keyFile, `${keyFile}.${Date.now()}`);
  await writeKeyFile(keyFile, key);
  return key;
}

/** Replaces the whole file, readable by its owner only; durable when it settles, since the key is nowhere else. */
export async function writeKeyFile(path: string, key: string): Promise<void> {
  const temporary = `${path}.new`;
  {
    await using file = await open(temporary, 'w', 0o600);
    await file.writeFile(`${key}\n`);
    await file.sync();
  }
  await renameDurably(temporary, path);
}
