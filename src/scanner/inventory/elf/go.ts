/**
 * Reads Go's build information, which lists the modules of a program. Since Go 1.18 it is inline text; before, there were
 * two pointers to it.
 * Source: Go, debug/buildinfo/buildinfo.go, whose comments describe the form.
 */
import { mostNeeds } from '../needs.ts';
import { named } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';
import type { ElfFile } from './sections.ts';

export const goMagic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerBytes = 32;
const inlineFlag = 2;
/** The list of modules lies between two marks of 16 bytes. */
const markBytes = 16;
const longestText = 16 * 1024 * 1024;

/** Undefined when it is not a Go program. Throws when its build information is damaged. */
export function goModules(elf: ElfFile): Proof | undefined {
  const section = elf.section('.go.buildinfo');
  if (section === undefined || !section.subarray(0, goMagic.length).equals(goMagic)) return undefined;
  const isInline = ((section[15] ?? 0) & inlineFlag) !== 0;
  return isInline
    ? inlineModules(section)
    : proofOf(textAt(elf, section, 16), textAt(elf, section, 16 + pointerBytes(section)));
}

/** The limit for marks that are only text, since Go's own tools contain the mark, too. */
export const maxGoMarks = 8;

/**
 * Finds the information anywhere in a program for Windows or macOS. The pointers from before Go 1.18 are not followed
 * there, which is a gap.
 */
export function markedModules(content: Buffer): Proof | undefined {
  let found: Proof | undefined;
  let at = content.indexOf(goMagic);
  for (let marks = 0; at >= 0 && marks < maxGoMarks; marks++) {
    const modules = modulesAt(content.subarray(at));
    if (modules?.packages !== undefined) return modules;
    found ??= modules;
    at = content.indexOf(goMagic, at + 1);
  }
  return found;
}

/** Undefined when the mark is only text. */
export function modulesAt(bytes: Buffer): Proof | undefined {
  // The real format has pointer size and flags here, text has letters.
  if (bytes.length < headerBytes || (bytes[14] ?? 0) > 8 || (bytes[15] ?? 0) > 3) return undefined;
  try {
    return inlineModules(bytes);
  } catch {
    return undefined;
  }
}

/** `bytes` must begin with the magic. */
function inlineModules(bytes: Buffer): Proof {
  if (((bytes[15] ?? 0) & inlineFlag) === 0)
    return { gaps: ['it was built by Go before 1.18, so its modules are unknown'] };
  const [version, end] = lengthAndText(bytes, headerBytes);
  return proofOf(version, lengthAndText(bytes, end)[0]);
}

function pointerBytes(section: Buffer): number {
  return section[14] ?? 8;
}

/** Follows the pointer to another pointer and a length. */
function textAt(elf: ElfFile, section: Buffer, at: number): Buffer {
  const size = pointerBytes(section);
  const number = (bytes: Buffer, offset: number): number => {
    if (size === 4) return elf.littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
    return Number(elf.littleEndian ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset));
  };
  const header = elf.atAddress(number(section, at), size * 2);
  if (header === undefined) throw new Error('its build information leads out of it');
  const length = number(header, size);
  const text = length > longestText ? undefined : elf.atAddress(number(header, 0), length);
  if (text === undefined) throw new Error('its build information leads out of it');
  return text;
}

function lengthAndText(bytes: Buffer, at: number): [Buffer, number] {
  let length = 0;
  let shift = 0;
  let start = at;
  for (let more = true; more; shift += 7) {
    if (shift > 28) throw new Error('its build information is damaged');
    const byte = bytes.readUInt8(start++);
    length += (byte & 0x7f) * 2 ** shift;
    more = byte >= 0x80;
  }
  if (length > longestText || start + length > bytes.length)
    throw new Error('its build information is cut short');
  return [bytes.subarray(start, start + length), start + length];
}

function proofOf(version: Buffer, marked: Buffer): Proof {
  const packages: FoundPackage[] = [];
  const gaps: string[] = [];
  const go = /^go(\d+\.\S+)/.exec(version.toString('utf8'))?.[1];
  if (go === undefined) gaps.push('it was built by Go without a version');
  else packages.push({ ecosystem: 'golang', name: 'stdlib', version: go });
  const text =
    marked.length >= markBytes * 2 ? marked.toString('utf8', markBytes, marked.length - markBytes) : '';
  let main: string | undefined;
  for (const line of text.split('\n')) {
    const [kind, path, stated] = line.split('\t');
    const name = named(path);
    const of = named(stated);
    // A replacement is what was really built.
    if (kind === '=>' && packages.at(-1)?.name !== 'stdlib') packages.pop();
    // `(devel)` is the program itself, built from a folder.
    if (!/^(?:mod|dep|=>)$/.test(kind ?? '') || name === undefined) continue;
    if (kind === 'mod') main = name;
    packages.push({ ecosystem: 'golang', name, version: of ?? '(devel)' });
  }
  const modules = packages.filter((each) => each.version !== '(devel)');
  return { packages: modules.map((each) => (each.name === main ? withNeeds(each, modules) : each)), gaps };
}

/** Makes the main module depend on all others, since the information does not say which needs which. */
function withNeeds(main: FoundPackage, all: readonly FoundPackage[]): FoundPackage {
  const others = all.filter((each) => each !== main);
  return { ...main, needs: others.slice(0, mostNeeds).map(({ name, version }) => `${name} ${version}`) };
}
