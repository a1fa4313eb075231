/** Makes bytes that a pattern matches, chosen by a seed. */
import type { Pattern } from './pattern.ts';

type Random = () => number;

/** Returns numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Ignores edges: in the patterns used here they hold if nothing is around the match. */
export function sampleOf(pattern: Pattern, random: Random): string {
  switch (pattern.kind) {
    case 'edge':
      return '';
    case 'core':
      return sampleOf(pattern.part, random);
    case 'sequence':
      return pattern.parts.map((part) => sampleOf(part, random)).join('');
    case 'choice':
      return sampleOf(pick(pattern.options, random), random);
    case 'repeat': {
      const max = Math.min(pattern.max, pattern.min + 40);
      const count = pattern.min + Math.floor(random() * (max - pattern.min + 1));
      return Array.from({ length: count }, () => sampleOf(pattern.part, random)).join('');
    }
    case 'byte': {
      const all = Array.from(pattern.set.keys()).filter((byte) => pattern.set[byte] === 1);
      const shown = all.filter((byte) => byte > 0x20 && byte < 0x7f);
      return String.fromCharCode(pick(shown.length === 0 ? all : shown, random));
    }
  }
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
