/**
 * Go's build information: which modules a program is made of. Since Go 1.18 it stands there as text; before, there were
 * two pointers to it.
 * Source: Go, debug/buildinfo/buildinfo.go, as its comments describe the form.
 */
import { mostNeeds } from '../needs.ts';
import { named } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';
import type { ElfFile } from './sections.ts';

export const goMagic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerBytes = 32;
const inlineFlag = 2;
/** Modules are listed between two marks of 16 bytes. */
const markBytes = 16;
const longestText = 16 * 1024 * 1024;

/** Undefined when it is no Go program. Throws when what it says is damaged. */
export function goModules(elf: ElfFile): Proof | undefined {
  const section = elf.section('.go.buildinfo');
  if (section === undefined || !section.subarray(0, goMagic.length).equals(goMagic)) return undefined;
  const isInline = ((section[15] ?? 0) & inlineFlag) !== 0;
  return isInline
    ? inlineModules(section)
    : proofOf(textAt(elf, section, 16), textAt(elf, section, 16 + pointerBytes(section)));
}

/** Where the mark is text only: Go's own tools look for it, too. */
export const maxGoMarks = 8;

/**
 * Of a program for Windows or macOS, wherever the information lies. Before Go 1.18 it was pointers, which are not followed
 * there: a gap.
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

/** Undefined when the mark was text only. */
export function modulesAt(bytes: Buffer): Proof | undefined {
  // The form has its size of a pointer and flags there; a text has letters.
  if (bytes.length < headerBytes || (bytes[14] ?? 0) > 8 || (bytes[15] ?? 0) > 3) return undefined;
  try {
    return inlineModules(bytes);
  } catch {
    return undefined;
  }
}

/** `bytes` begin with the magic. */
function inlineModules(bytes: Buffer): Proof {
  if (((bytes[15] ?? 0) & inlineFlag) === 0)
    return { gaps: ["it was built by a Go of before 1.18, and its modules can't be told"] };
  const [version, end] = lengthAndText(bytes, headerBytes);
  return proofOf(version, lengthAndText(bytes, end)[0]);
}

function pointerBytes(section: Buffer): number {
  return section[14] ?? 8;
}

/** The pointer leads to a pointer and a length. */
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
  if (go === undefined) gaps.push('it was built by a Go without a version');
  else packages.push({ ecosystem: 'golang', name: 'stdlib', version: go });
  const text =
    marked.length >= markBytes * 2 ? marked.toString('utf8', markBytes, marked.length - markBytes) : '';
  let main: string | undefined;
  for (const line of text.split('\n')) {
    const [kind, path, stated] = line.split('\t');
    const name = named(path);
    const of = named(stated);
    // What replaces a module is what was built.
    if (kind === '=>' && packages.at(-1)?.name !== 'stdlib') packages.pop();
    // `(devel)` is the program itself, built from a folder.
    if (!/^(?:mod|dep|=>)$/.test(kind ?? '') || name === undefined) continue;
    if (kind === 'mod') main = name;
    packages.push({ ecosystem: 'golang', name, version: of ?? '(devel)' });
  }
  const modules = packages.filter((each) => each.version !== '(devel)');
  return { packages: modules.map((each) => (each.name === main ? withNeeds(each, modules) : each)), gaps };
}

/** The program's own module is told to need all others: which of them needs which is not said. */
function withNeeds(main: FoundPackage, all: readonly FoundPackage[]): FoundPackage {
  const others = all.filter((each) => each !== main);
  return { ...main, needs: others.slice(0, mostNeeds).map(({ name, version }) => `${name} ${version}`) };
}
