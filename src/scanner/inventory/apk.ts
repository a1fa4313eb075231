/**
 * Reads the database of Alpine's apk: lines `LETTER:value` in stanzas separated by empty lines. F is a folder; each R after
 * it is one of its files. Source: apk-tools, doc/apk-package.5.scd and "Installed database" of Alpine's wiki.
 */
import { hexHash, orUndefined } from './hashes.ts';
import { type Asking, mostNeeds, withNeeds } from './needs.ts';
import { type OwnedFile, openOwnedList } from './ownership.ts';
import { allPackages, linesOf, named } from './text.ts';
import type { Cataloger, Owned } from './types.ts';

/** Alpine uses the second path since it merged /usr. */
export const apkDatabases = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'] as const;

export const apkCataloger: Cataloger = {
  name: 'apk',
  revision: 3,
  wants: ({ path }) => path === apkDatabases[0] || path === apkDatabases[1],
  read: ({ content }) => {
    let gap: string | undefined;
    const packages = stanzasOf(content, () => {
      gap ??= 'it has a line of another form';
    }).flatMap((stanza) => {
      const found = packageOf(stanza);
      if (found === undefined) gap ??= 'it has a package without name or version';
      return found === undefined ? [] : [found];
    });
    return {
      packages: withNeeds(allPackages(packages)),
      owns: ownedBy(content),
      gaps: gap === undefined ? [] : [gap],
    };
  },
};

/** Maps letters to values. */
type Stanza = ReadonlyMap<string, string>;

function* stanzasOf(content: Buffer, stray: () => void): Generator<Stanza> {
  let stanza = new Map<string, string>();
  for (const line of linesOf(content)) {
    if (line !== '' && line[1] !== ':') stray();
    else if (/^[CPVoALmDp]/.test(line)) stanza.set(line[0] ?? '', line.slice(2));
    else if (line === '' && stanza.size > 0) {
      yield stanza;
      stanza = new Map();
    }
  }
  if (stanza.size > 0) yield stanza;
}

/** `Z:Q1…` after a file is its SHA-1 in base64. */
function ownedBy(content: Buffer): readonly Owned[] {
  const owned = openOwnedList();
  let by = '';
  let folder = '';
  let files: OwnedFile[] = [];
  for (const line of linesOf(content)) {
    const value = line.slice(2);
    const last = files.at(-1);
    if (line === '') {
      owned.add(by, files);
      [by, folder, files] = ['', '', []];
    } else if (line.startsWith('P:')) by = value.trim();
    else if (line.startsWith('F:')) folder = value === '' ? '' : `${value}/`;
    else if (line.startsWith('R:')) files.push({ path: folder + value });
    else if (line.startsWith('Z:Q1') && last !== undefined && last.digest === undefined) {
      files[files.length - 1] = {
        path: last.path,
        digest: Buffer.from(value.slice(2), 'base64').toString('hex'),
      };
    }
  }
  owned.add(by, files);
  return owned.list;
}

function packageOf(stanza: Stanza): Asking | undefined {
  const name = named(stanza.get('P'));
  const version = named(stanza.get('V'));
  if (name === undefined || version === undefined) return undefined;
  const licence = named(stanza.get('L'));
  const needs = namesIn(stanza.get('D'));
  // `Q1` marks SHA-1. It covers the part of the package that describes it.
  const checksum = /^Q1([\w+/]+=*)$/.exec(stanza.get('C') ?? '')?.[1] ?? '';
  return {
    found: {
      ecosystem: 'apk',
      name,
      version,
      source: { name: named(stanza.get('o')) ?? name, version },
      architecture: named(stanza.get('A')),
      supplier: named(stanza.get('m')),
      licences: licence === undefined ? undefined : [licence],
      hashes: orUndefined(hexHash('sha1', Buffer.from(checksum, 'base64').toString('hex'))),
    },
    needs: needs.slice(0, mostNeeds).map((each) => [each]),
    provides: namesIn(stanza.get('p')),
    needsMore: needs.length > mostNeeds,
  };
}

/** Returns the names in `so:libc.musl-x86_64.so.1 busybox>=1.36 !conflict`, without versions and conflicts. */
function namesIn(text: string | undefined): string[] {
  return (text ?? '').split(' ').flatMap((each) => /^[^!<>=~][^<>=~]*/.exec(each)?.[0] ?? []);
}
