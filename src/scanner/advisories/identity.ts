/** One vulnerability has many names: which advisories speak of the same one, and how it is called. */
import { isCve } from './text.ts';

interface Named {
  readonly id: string;
  readonly aliases: readonly string[];
}

/** Sources that put their own name before that of the vulnerability. */
const prefixed =
  /^(?:DEBIAN|ALPINE|UBUNTU|BIT-[A-Za-z0-9._+-]+?|CLEANSTART|MINIMOS|ECHO)-(?=CVE-\d{4}-\d{4,}$)/;

/** Its id, its aliases, and the CVE that an id like `DEBIAN-CVE-2021-44228` itself names. */
export function namesOf({ id, aliases }: Named): readonly string[] {
  const plain = id.replace(prefixed, '');
  return plain === id ? [id, ...aliases] : [plain, id, ...aliases];
}

/** Those that share a name, directly or through others among them; in the order of their first. */
export function groupByIdentity<Item extends Named>(items: readonly Item[]): readonly (readonly Item[])[] {
  const groupOf = new Map<string, Item[]>();
  for (const item of items) {
    const names = namesOf(item);
    const joined = [...new Set(names.flatMap((name) => groupOf.get(name) ?? []).concat(item))];
    for (const name of joined.flatMap(namesOf)) groupOf.set(name, joined);
  }
  const groups = items.map((item) => groupOf.get(item.id) ?? [item]);
  return [...new Set(groups)];
}

/** All names, the one to show first: CVE, then GHSA, then whatever comes first. */
export function orderedNames(items: readonly Named[]): readonly string[] {
  return [...new Set(items.flatMap(namesOf))].toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** The name to show of a package that is itself the attack. */
export function malwareName(names: readonly string[]): string | undefined {
  return names.find((name) => name.startsWith('MAL-')) ?? names[0];
}

function rankOf(name: string): number {
  if (isCve(name)) return 0;
  return name.startsWith('GHSA-') ? 1 : 2;
}
