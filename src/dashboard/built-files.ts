/** The files that the set-up built for the console, with what a browser must know about each. */
import { readdirSync, statSync } from 'node:fs';
import { extname, join, relative } from 'node:path';

interface OnDisk {
  readonly path: string;
  readonly bytes: number;
}

export interface BuiltFile extends OnDisk {
  readonly type: string;
  readonly etag: string;
  /** Its name has a hash of its content, so it never changes. */
  readonly isHashed: boolean;
  readonly zipped: OnDisk | undefined;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const hashedFolder = 'assets/';

/** By their names below `/console/`. Empty when the folder is missing. */
export function listBuiltFiles(folder: string): ReadonlyMap<string, BuiltFile> {
  const sizes = new Map(namesIn(folder).map((name) => [name, statSync(join(folder, name))]));
  const onDisk = (name: string): OnDisk | undefined => {
    const size = sizes.get(name)?.size;
    return size === undefined ? undefined : { path: join(folder, name), bytes: size };
  };
  const found = new Map<string, BuiltFile>();
  for (const [name, { size: bytes, mtimeMs }] of sizes) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    found.set(name, {
      ...{ path: join(folder, name), bytes, type },
      etag: `"${bytes.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`,
      isHashed: name.startsWith(hashedFolder),
      zipped: onDisk(`${name}.gz`),
    });
  }
  return found;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch {
    return [];
  }
}
