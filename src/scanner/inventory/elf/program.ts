/** Programs that say what they are made of: Go, Rust, Node.js itself. */
import { messageOf } from '../../../lib/index.ts';
import type { Cataloger, Proof } from '../types.ts';
import { goModules } from './go.ts';
import { nodeIn } from './node.ts';
import { rustCrates } from './rust.ts';
import { isElf, openElf } from './sections.ts';

export const programCataloger: Cataloger = {
  name: 'program',
  revision: 1,
  wants: ({ head }) => isElf(head),
  read: ({ content }) => {
    const node = nodeIn(content);
    const elf = attempt(() => openElf(content));
    // Whether it could be run at all is not for a scanner to say; what is no whole ELF file names no packages.
    if (elf === undefined || 'failed' in elf) return node && { packages: [node] };
    const proofs = [goModules, rustCrates].map((read) => attempt(() => read(elf)));
    return joined([node && { packages: [node] }, ...proofs]);
  },
};

function joined(proofs: readonly (Proof | { readonly failed: string } | undefined)[]): Proof | undefined {
  const packages = proofs.flatMap((proof) => (proof && 'packages' in proof ? (proof.packages ?? []) : []));
  const gaps = proofs.flatMap((proof) => {
    if (proof === undefined) return [];
    return 'failed' in proof ? [proof.failed] : (proof.gaps ?? []);
  });
  return packages.length + gaps.length === 0 ? undefined : { packages, gaps };
}

function attempt<T>(work: () => T): T | { readonly failed: string } {
  try {
    return work();
  } catch (error) {
    return { failed: messageOf(error) };
  }
}
