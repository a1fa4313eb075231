/** Normalizes names of packages as their ecosystem compares them, and maps Ward's ecosystems to OSV's. */
import type { Ecosystem } from '../types.ts';

/** OSV's names for ecosystems of languages. `Node.js` is Ward's own, because OSV has none for the program itself. */
const languages: Readonly<Partial<Record<Ecosystem, readonly string[]>>> = {
  npm: ['npm'],
  pypi: ['PyPI'],
  golang: ['Go'],
  maven: ['Maven'],
  cargo: ['crates.io'],
  gem: ['RubyGems'],
  composer: ['Packagist'],
  binary: ['Node.js', 'Bitnami'],
};

const languageOf = new Map(
  Object.entries(languages).flatMap(([ecosystem, names]) => names.map((name) => [name, ecosystem] as const)),
);

/** OSV's ecosystems for a component that no distribution packages. */
export function languageEcosystems(ecosystem: Ecosystem): readonly string[] {
  return languages[ecosystem] ?? [];
}

export function isLanguage(osvEcosystem: string): boolean {
  return languageOf.has(osvEcosystem);
}

/** The name under which a package is stored and looked up. */
export function lookupName(osvEcosystem: string, name: string): string {
  switch (osvEcosystem) {
    case 'PyPI':
      // PEP 503.
      return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
    case 'Packagist':
      return name.toLowerCase();
    case 'Go':
      return name === 'std' ? 'stdlib' : name;
    case 'Node.js':
    case 'Bitnami':
      return /^node(?:\.?js)?$/i.test(name) ? 'node' : name.toLowerCase();
    default:
      return name;
  }
}
