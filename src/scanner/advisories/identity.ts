/** Finds the advisories that are about the same vulnerability under different names, and chooses the name to show. */
import { isCve } from './text.ts';

interface Named {
  /** All names, as `namesOf` returns them. */
  readonly names: readonly string[];
}

/** Prefixes that sources put before the name of the vulnerability. */
const prefixed = /^(?:DEBIAN|ALPINE|UBUNTU|BIT-[A-Za-z0-9._+-]+?|MINIMOS|ECHO)-(?=CVE-\d{4}-\d{4,}$|GHSA-)/;

/** The id, the aliases, and the name inside an id like `DEBIAN-CVE-2021-44228`. */
export function namesOf(id: string, aliases: readonly string[]): readonly string[] {
  const plain = id.replace(prefixed, '');
  return plain === id ? [id, ...aliases] : [plain, id, ...aliases];
}

/** Groups items that share a name, directly or through others. Groups keep the order of their first items. */
export function groupByIdentity<Item extends Named>(items: readonly Item[]): readonly (readonly Item[])[] {
  // A forest of indexes: each points to an earlier item of its group, or to itself.
  const earlier = items.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (earlier[root] !== root) root = earlier[root] ?? root;
    earlier[index] = root;
    return root;
  };
  const bearer = new Map<string, number>();
  for (const [index, { names }] of items.entries()) {
    for (const name of names) {
      const other = bearer.get(name);
      if (other === undefined) bearer.set(name, index);
      else join(earlier, rootOf(other), rootOf(index));
    }
  }
  return [...Map.groupBy(items.keys(), rootOf).values()].map((group) =>
    group.flatMap((index) => items[index] ?? []),
  );
}

/** All names, with the one to show first: a CVE, then a GHSA, then the first of the rest. */
export function orderedNames(items: readonly Named[]): readonly string[] {
  const names = items.length === 1 ? (items[0]?.names ?? []) : items.flatMap((item) => item.names);
  return [...new Set(names)].toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** The name to show for a malicious package. */
export function malwareName(names: readonly string[]): string | undefined {
  return names.find((name) => name.startsWith('MAL-')) ?? names[0];
}

function join(earlier: number[], a: number, b: number): void {
  earlier[Math.max(a, b)] = Math.min(a, b);
}

function rankOf(name: string): number {
  if (isCve(name)) return 0;
  return name.startsWith('GHSA-') ? 1 : 2;
}
