/**
 * An entry of a tar archive: its header, and the extra headers before it. Refuses entries that programs read in
 * different ways: two names, sparse files, unknown types, unexpected sizes. Sources: POSIX.1-2017, pax; GNU tar
 * manual, "Basic Tar Format"; archive/tar of Go, which Docker uses.
 */
import { type PaxRecords, parsePax, paxNumber } from './pax.ts';
import { invalidTar, type TarHeader } from './tar-header.ts';

export type EntryType = 'file' | 'folder' | 'symlink' | 'hardlink' | 'device' | 'pipe';

export interface TarEntry {
  readonly type: EntryType;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** The number of a character device, `1:3`; undefined also when two headers could disagree on it. */
  readonly device: string | undefined;
  /** Epoch seconds. */
  readonly changedAt: number | undefined;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** The content of the extra headers before an entry. */
export interface Extras {
  name?: Buffer;
  linkName?: Buffer;
  pax?: PaxRecords;
}

const types: ReadonlyMap<string, EntryType> = new Map([
  ['0', 'file'],
  ['7', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'device'],
  ['4', 'device'],
  ['5', 'folder'],
  ['6', 'pipe'],
]);
const xattrPrefix = 'SCHILY.xattr.';
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

export function addExtra(extras: Extras, type: string, bytes: Buffer): void {
  // Copies, because the bytes are valid only until the next push.
  const kept = Buffer.from(bytes);
  if (type === 'g') refuseGlobal(parsePax(kept));
  else if (type === 'x' && extras.pax === undefined) extras.pax = parsePax(kept);
  else if (type === 'L' && extras.name === undefined) extras.name = withoutNul(kept);
  else if (type === 'K' && extras.linkName === undefined) extras.linkName = withoutNul(kept);
  else throw invalidTar('an entry is described twice');
}

/** Refuses global records: some programs apply them to all following entries, others don't. */
function refuseGlobal(records: PaxRecords): void {
  const harmful = [...records.keys()].find((key) => key !== 'comment' && !/^[amc]time$/.test(key));
  if (harmful !== undefined)
    throw invalidTar(`it has the global PAX record ${JSON.stringify(harmful.slice(0, 60))}`);
}

/** @throws Fault ARCHIVE_INVALID */
export function entryOf(header: TarHeader, { name, linkName, pax }: Extras): TarEntry {
  const type = types.get(header.type);
  if (type === undefined) throw invalidTar(`an entry has the unknown type ${JSON.stringify(header.type)}`);
  if (pax !== undefined) refuseRecords(pax);
  const called = oneOf(pax?.get('path'), name) ?? header.name;
  const sizeBytes = (pax && paxNumber(pax, 'size')) ?? header.sizeBytes;
  if (type !== 'file' && sizeBytes !== 0) throw invalidTar(`a ${type} has content`);
  return {
    type: type === 'file' && called.at(-1) === 0x2f ? asFolder(sizeBytes) : type,
    name: called,
    linkName: oneOf(pax?.get('linkpath'), linkName) ?? header.linkName,
    mode: header.mode & 0o7777,
    uid: (pax && paxNumber(pax, 'uid')) ?? header.uid,
    gid: (pax && paxNumber(pax, 'gid')) ?? header.gid,
    sizeBytes,
    device: hasOtherDevice(pax) ? undefined : header.device,
    changedAt: header.changedAt,
    xattrs: pax === undefined ? noAttributes : attributesOf(pax),
  };
}

/** Finds star's own records of a device's numbers. */
function hasOtherDevice(pax: PaxRecords | undefined): boolean {
  return [...(pax?.keys() ?? [])].some((key) => key.startsWith('SCHILY.dev'));
}

/** Before POSIX, a folder was a file with a slash at the end of its name. */
function asFolder(sizeBytes: number): EntryType {
  if (sizeBytes !== 0) throw invalidTar('a folder has content');
  return 'folder';
}

function refuseRecords(pax: PaxRecords): void {
  for (const [key, value] of pax) {
    if (key.startsWith('GNU.sparse') || key === 'hdrcharset') throw invalidTar(`an entry has a ${key}`);
    if ((key === 'path' || key === 'linkpath') && (value.length === 0 || value.includes(0))) {
      throw invalidTar(`an entry has no ${key}`);
    }
  }
}

function oneOf(pax: Buffer | undefined, gnu: Buffer | undefined): Buffer | undefined {
  if (pax !== undefined && gnu !== undefined) throw invalidTar('a name is given twice');
  return pax ?? gnu;
}

function attributesOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = [...pax].filter(([key]) => key.startsWith(xattrPrefix));
  return found.length === 0
    ? noAttributes
    : new Map(found.map(([key, value]) => [key.slice(xattrPrefix.length), value]));
}

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
