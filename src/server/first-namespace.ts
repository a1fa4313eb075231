/** The first namespace, `guest`; its key is written to a file that only its owner can read. */
import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { renameDurably } from '../blobs/index.ts';
import { type NamespaceService, systemNamespace } from '../functions/index.ts';
import { isFault } from '../lib/index.ts';

export const guest = 'guest';

/** Creates `guest` in a Ward that has only its own namespace, and returns its key only in this case. */
export async function ensureGuest(
  namespaces: Pick<NamespaceService, 'list' | 'create'>,
  keyFile: string,
): Promise<string | undefined> {
  if ((await namespaces.list()).some(({ name }) => name !== systemNamespace)) return undefined;
  // An earlier key can belong to a database that is put back later.
  await setAside(keyFile);
  try {
    return await namespaces.create(guest, (key) => writeKeyFile(keyFile, key));
  } catch (error) {
    if (!isFault(error, 'NAMESPACE_EXISTS')) throw error;
    // Another server of the database was faster, so this key opens nothing.
    await setAside(keyFile);
    return undefined;
  }
}

async function setAside(keyFile: string): Promise<void> {
  if (existsSync(keyFile)) await rename(keyFile, `${keyFile}.${Date.now()}`);
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
