/** One vulnerability has many names: which advisories speak of the same one, and how it is called. */
import { isCve } from './text.ts';

interface Named {
  /** All of them, as `namesOf` gives them. */
  readonly names: readonly string[];
}

/** Sources that put their own name before that of the vulnerability. */
const prefixed = /^(?:DEBIAN|ALPINE|UBUNTU|BIT-[A-Za-z0-9._+-]+?|MINIMOS|ECHO)-(?=CVE-\d{4}-\d{4,}$|GHSA-)/;

/** Its id, its aliases, and what an id like `DEBIAN-CVE-2021-44228` itself names. */
export function namesOf(id: string, aliases: readonly string[]): readonly string[] {
  const plain = id.replace(prefixed, '');
  return plain === id ? [id, ...aliases] : [plain, id, ...aliases];
}

/** Those that share a name, directly or through others among them; in the order of their first. */
export function groupByIdentity<Item extends Named>(items: readonly Item[]): readonly (readonly Item[])[] {
  // A forest of indexes; each points to an earlier one of its group, or to itself.
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

/** All names, the one to show first: CVE, then GHSA, then whatever comes first. */
export function orderedNames(items: readonly Named[]): readonly string[] {
  const names = items.length === 1 ? (items[0]?.names ?? []) : items.flatMap((item) => item.names);
  return [...new Set(names)].toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** The name to show of a package that is itself the attack. */
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
