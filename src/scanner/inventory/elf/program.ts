/** Reads the components that programs state: Go, Rust, Node.js itself. */
import { messageOf } from '../../../lib/index.ts';
import type { Cataloger, Proof } from '../types.ts';
import { isProgram, peSection } from './formats.ts';
import { goModules, markedModules } from './go.ts';
import { nodeIn } from './node.ts';
import { rustCrates } from './rust.ts';
import { cratesIn } from './rust-paths.ts';
import { type ElfFile, isElf, openElf } from './sections.ts';

export const programCataloger: Cataloger = {
  name: 'program',
  revision: 3,
  wants: ({ head }) => isProgram(head),
  wantsInside: ({ head }) => isProgram(head),
  read: ({ content }) => {
    const node = nodeIn(content);
    const elf = attempt(() => (isElf(content) ? openElf(content) : undefined));
    // An incomplete ELF file names no packages. Whether it could run is not the scanner's concern.
    if (elf !== undefined && 'failed' in elf) return node && { packages: [node] };
    const go = attempt(() => (elf === undefined ? markedModules(content) : goModules(elf)));
    return joined([node && { packages: [node] }, go, cratesOf(content, elf)]);
  },
};

/** Uses the data of `cargo auditable`, else the source paths in panic messages. */
function cratesOf(content: Buffer, elf: ElfFile | undefined): Proof | Failed | undefined {
  return attempt(() => {
    const section = elf === undefined ? peSection(content, auditSection) : elf.section(auditSection);
    if (section !== undefined) return rustCrates(section);
    const finder = cratesIn(content);
    return { packages: finder.packages(), gaps: finder.gaps() };
  });
}

const auditSection = '.dep-v0';

function joined(proofs: readonly (Proof | Failed | undefined)[]): Proof | undefined {
  const packages = proofs.flatMap((proof) => (proof && 'packages' in proof ? (proof.packages ?? []) : []));
  const gaps = proofs.flatMap((proof) => {
    if (proof === undefined) return [];
    return 'failed' in proof ? [proof.failed] : (proof.gaps ?? []);
  });
  return packages.length + gaps.length === 0 ? undefined : { packages, gaps };
}

interface Failed {
  readonly failed: string;
}

function attempt<T>(work: () => T): T | Failed {
  try {
    return work();
  } catch (error) {
    return { failed: messageOf(error) };
  }
}
