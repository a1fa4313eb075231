/** Reads packages of rpm from the three forms of its database. */
import { messageOf } from '../../../lib/index.ts';
import { mostPackages } from '../../limits.ts';
import { type Asking, withNeeds } from '../needs.ts';
import { openOwnedList } from '../ownership.ts';
import type { Cataloger, Proof } from '../types.ts';
import { berkeleyBlobs, isBerkeley } from './berkeley.ts';
import { readRpmHeader } from './header.ts';
import { isNdb, ndbBlobs } from './ndb.ts';
import { isSqlite, sqliteBlobs } from './sqlite.ts';

/** Folders of the database. The later ones are in use since Fedora moved it out of /var. */
export const rpmFolders = ['var/lib/rpm/', 'usr/lib/sysimage/rpm/', 'usr/share/rpm/'] as const;
const names = new Set(['Packages', 'Packages.db', 'rpmdb.sqlite', 'rpmdb.sqlite-wal']);

export const rpmCataloger: Cataloger = {
  name: 'rpm',
  revision: 3,
  wants: ({ path }, base) => names.has(base) && rpmFolders.some((folder) => path === folder + base),
  read: ({ path, content }) => {
    if (content.length === 0) return undefined;
    if (path.endsWith('-wal')) return { gaps: ['it has changes that are not in the database yet'] };
    return readAll(blobsOf(content));
  },
};

/** Readable packages count even if the rest is damaged. */
function readAll(blobs: Iterable<Buffer> | undefined): Proof {
  if (blobs === undefined) return { gaps: ['it is not a known form of rpm database'] };
  const packages: Asking[] = [];
  const owned = openOwnedList();
  try {
    for (const blob of blobs) {
      const read = readRpmHeader(blob);
      if (packages.length >= mostPackages) throw new Error(`it has more than ${mostPackages} packages`);
      if (read === undefined) continue;
      const { files, ...asking } = read;
      packages.push(asking);
      if (read.found.foreign === undefined) owned.add(read.found.name, files);
    }
    return { packages: withNeeds(packages), owns: owned.list };
  } catch (error) {
    const gaps = [`the database of rpm is damaged: ${messageOf(error)}`];
    return { packages: withNeeds(packages), owns: owned.list, gaps };
  }
}

function blobsOf(content: Buffer): Iterable<Buffer> | undefined {
  if (isSqlite(content)) return sqliteBlobs(content, 'Packages');
  if (isNdb(content)) return ndbBlobs(content);
  return isBerkeley(content) ? berkeleyBlobs(content) : undefined;
}
