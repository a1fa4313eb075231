/** The first namespace, `guest`; its key is written to a file that only its owner can read. */
import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { renameDurably } from '../blobs/index.ts';
import { type NamespaceService, systemNamespace } from '../functions/index.ts';

export const guest = 'guest';

/** Creates `guest` in a Ward that has only its own namespace, and returns its key only in this case. */
export async function ensureGuest(
  namespaces: Pick<NamespaceService, 'list' | 'create'>,
  keyFile: string,
): Promise<string | undefined> {
  if ((await namespaces.list()).some(({ name }) => name !== systemNamespace)) return undefined;
  const key = await namespaces.create(guest);
  // An earlier key can belong to a database that is put back later.
  if (existsSync(keyFile)) await rename(keyFile, `${keyFile}.${Date.now()}`);
  await writeKeyFile(keyFile, key);
  return key;
}

/**
 * Replaces the whole file, readable by its owner only. Durable when it settles, since no other copy of the key
 * exists.
 */
export async function writeKeyFile(path: string, key: string): Promise<void> {
  const temporary = `${path}.new`;
  {
    await using file = await open(temporary, 'w', 0o600);
    await file.writeFile(`${key}\n`);
    await file.sync();
  }
  await renameDurably(temporary, path);
}
