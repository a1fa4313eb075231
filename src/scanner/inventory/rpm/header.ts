/**
 * Reads the header of an rpm, which all forms of its database contain: two counts, an index of 16 bytes per tag, data.
 * Source: rpm.org, "RPM Package format", and rpmtag.h.
 */

import { hexHash, orUndefined } from '../hashes.ts';
import { type Asking, mostNeeds } from '../needs.ts';
import type { OwnedFile } from '../ownership.ts';
import { named } from '../text.ts';
import type { FoundPackage } from '../types.ts';

/** The content of an rpm header. */
interface RpmPackage extends Asking {
  /** Without a leading slash. */
  readonly files: readonly OwnedFile[];
}

const tags = {
  md5: 261,
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  licence: 1014,
  architecture: 1022,
  sourceRpm: 1044,
  digests: 1035,
  provides: 1047,
  requires: 1049,
  folderIndexes: 1116,
  baseNames: 1117,
  folderNames: 1118,
  modularity: 5096,
} as const;
const int32Type = 4;
const bytesType = 7;
const md5Bytes = 16;
const textTypes = new Set([6, 8, 9]);
const indexBytes = 16;
const maxTags = 100_000;
const maxFiles = 500_000;
const mostProvided = 20_000;
/** Vendors of distributions. Packages of other vendors are not in their advisories. */
const knownVendors =
  /red hat|centos|fedora|almalinux|rocky|oracle america|suse|amazon|microsoft|vmware|photon|mageia|openela|cloudlinux|tencent|alibaba|huawei|openeuler/i;

interface Tag {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** Undefined for a key that rpm stores among its packages (`gpg-pubkey`). Throws when the header is damaged. */
export function readRpmHeader(blob: Buffer): RpmPackage | undefined {
  const count = blob.readUInt32BE(0);
  const dataBytes = blob.readUInt32BE(4);
  const dataStart = 8 + count * indexBytes;
  if (count > maxTags || dataStart + dataBytes > blob.length)
    throw new Error('a header is shorter than it says');
  const index = new Map<number, Tag>();
  for (let at = 8; at < dataStart; at += indexBytes) {
    const [tag, type, offset, items] = [0, 4, 8, 12].map((field) => blob.readUInt32BE(at + field));
    index.set(tag ?? 0, { type: type ?? 0, offset: offset ?? 0, count: items ?? 0 });
  }
  const data = blob.subarray(dataStart, dataStart + dataBytes);
  const text = (tag: number) => named(textsAt(data, index.get(tag), 1)[0]);

  const name = text(tags.name);
  const version = text(tags.version);
  if (name === undefined || version === undefined) throw new Error('a package has no name or version');
  if (name === 'gpg-pubkey') return undefined;
  const release = text(tags.release);
  const epoch = numbersAt(data, index.get(tags.epoch), 1)[0];
  const full = `${epoch ? `${epoch}:` : ''}${version}${release === undefined ? '' : `-${release}`}`;
  const licence = text(tags.licence);
  const vendor = text(tags.vendor);
  const files = filesOf(data, index);
  const needs = textsAt(data, index.get(tags.requires), mostNeeds).map(namesIn);
  return {
    found: {
      ecosystem: 'rpm',
      name,
      version: full,
      source: sourceOf(text(tags.sourceRpm), epoch),
      architecture: text(tags.architecture),
      licences: licence === undefined ? undefined : [licence],
      supplier: vendor,
      hashes: orUndefined(hexHash('md5', bytesAt(data, index.get(tags.md5), md5Bytes).toString('hex'))),
      module: moduleOf(text(tags.modularity)),
      foreign: (vendor !== undefined && !knownVendors.test(vendor)) || undefined,
    },
    needs: needs.filter((names) => names.length > 0),
    provides: [
      ...textsAt(data, index.get(tags.provides), mostProvided),
      ...files.flatMap(({ path }) => (path.includes('bin/') ? (programOf(`/${path}`) ?? []) : [])),
    ],
    needsMore: needs.length === mostNeeds,
    files,
  };
}

/** Leaves out features that rpm itself needs, and conditional needs. */
function namesIn(requirement: string): string[] {
  if (/^(?:rpmlib|config)\(/.test(requirement)) return [];
  if (!requirement.startsWith('(')) return [programOf(requirement) ?? requirement];
  if (/ (?:if|unless) /.test(requirement)) return [];
  return requirement
    .slice(1, -1)
    .split(' or ')
    .flatMap((each) => each.trim().split(' ')[0] ?? []);
}

/** Maps `/usr/bin/sh` and `/sbin/sh` to `/bin/sh`, since packages may use any of them. */
function programOf(path: string): string | undefined {
  const name = /^\/(?:usr\/)?s?bin\/([^/]+)$/.exec(path)?.[1];
  return name === undefined ? undefined : `/bin/${name}`;
}

/** Reads name and version of `bash-5.2-3.el9.src.rpm`. It has no epoch, so that of the package is used. */
function sourceOf(file: string | undefined, epoch: number | undefined): FoundPackage['source'] {
  const match = /^(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm$/.exec(file ?? '');
  if (match === null) return undefined;
  const [, name = '', version = '', release = ''] = match;
  return { name, version: `${epoch ? `${epoch}:` : ''}${version}-${release}` };
}

/** Maps `nodejs:18:8070020…:context` to `nodejs:18`. */
function moduleOf(label: string | undefined): string | undefined {
  const [name, stream] = (label ?? '').split(':');
  return name && stream ? `${name}:${stream}` : undefined;
}

function filesOf(data: Buffer, index: ReadonlyMap<number, Tag>): OwnedFile[] {
  const folders = textsAt(data, index.get(tags.folderNames), maxFiles);
  const indexes = numbersAt(data, index.get(tags.folderIndexes), maxFiles);
  const bases = textsAt(data, index.get(tags.baseNames), maxFiles);
  // MD5, or SHA-256 in newer packages. Links and folders have none.
  const digests = textsAt(data, index.get(tags.digests), maxFiles);
  return bases.map((base, at) => ({
    path: `${folders[indexes[at] ?? -1] ?? ''}${base}`.replace(/^\/+/, ''),
    digest: /^[0-9a-f]+$/.test(digests[at] ?? '') ? digests[at] : undefined,
  }));
}

/** The first texts of a tag, each terminated by a NUL. */
function textsAt(data: Buffer, tag: Tag | undefined, most: number): string[] {
  if (tag === undefined || !textTypes.has(tag.type)) return [];
  const texts: string[] = [];
  let at = tag.offset;
  for (let item = 0; item < Math.min(tag.count, most); item++) {
    const end = data.indexOf(0, at);
    if (end < 0 || at > data.length) throw new Error('a text ends outside its header');
    texts.push(data.toString('utf8', at, end));
    at = end + 1;
  }
  return texts;
}

/** Empty when the tag has another type. */
function bytesAt(data: Buffer, tag: Tag | undefined, most: number): Buffer {
  if (tag === undefined || tag.type !== bytesType) return Buffer.alloc(0);
  return data.subarray(tag.offset, tag.offset + Math.min(tag.count, most));
}

function numbersAt(data: Buffer, tag: Tag | undefined, most: number): number[] {
  if (tag === undefined || tag.type !== int32Type) return [];
  return Array.from({ length: Math.min(tag.count, most) }, (_, item) =>
    data.readUInt32BE(tag.offset + item * 4),
  );
}
