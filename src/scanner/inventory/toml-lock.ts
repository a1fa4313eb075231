/**
 * Lock files in TOML that list what is wished for as `[[package]]`: `poetry.lock`, `uv.lock`, `pdm.lock`, `Cargo.lock`.
 * Read line by line, for they are written in one shape and can have megabytes.
 * Sources: python-poetry.org, docs.astral.sh/uv, pdm-project.org, doc.rust-lang.org/cargo, as they describe the files.
 */
import { hexHash, orUndefined } from './hashes.ts';
import { allPackages, linesOf, named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

interface Lock {
  readonly ecosystem: 'pypi' | 'cargo';
  /** False for the project itself, and for what is for development only, as far as the file says so. */
  counts(fields: ReadonlyMap<string, string>): boolean;
}

const locks: ReadonlyMap<string, Lock> = new Map<string, Lock>([
  [
    'poetry.lock',
    {
      ecosystem: 'pypi',
      counts: (fields) =>
        fields.get('category') !== '"dev"' && !/^\[\s*"dev"\s*\]$/.test(fields.get('groups') ?? ''),
    },
  ],
  [
    'uv.lock',
    {
      ecosystem: 'pypi',
      counts: (fields) => !/\{\s*(?:virtual|editable|directory)\s*=/.test(fields.get('source') ?? ''),
    },
  ],
  ['pdm.lock', { ecosystem: 'pypi', counts: () => true }],
  // Members of the workspace have no source.
  ['Cargo.lock', { ecosystem: 'cargo', counts: (fields) => fields.has('source') }],
]);

export const tomlLockCataloger: Cataloger = {
  name: 'toml-lock',
  revision: 2,
  wants: (_file, base) => locks.has(base),
  read: ({ path, content }) => {
    const lock = locks.get(path.slice(path.lastIndexOf('/') + 1));
    if (lock === undefined) return undefined;
    let gap: string | undefined;
    const packages = allPackages(
      blocksOf(content).flatMap((fields): FoundPackage[] => {
        if (!lock.counts(fields)) return [];
        const [name, version] = ['name', 'version'].map((field) => named(textOf(fields.get(field))));
        if (name === undefined || version === undefined) {
          gap = 'it has a package without name or version';
          return [];
        }
        const hashes = hexHash('sha256', textOf(fields.get('checksum')));
        return [{ ecosystem: lock.ecosystem, name, version, hashes: orUndefined(hashes) }];
      }),
    );
    // Where packages of the ecosystem are installed, they were installed by it.
    return { packages, wishedFor: '', gaps: gap === undefined ? [] : [gap] };
  },
};

/** Field → value as it is written, of each `[[package]]`. */
function* blocksOf(content: Buffer): Generator<ReadonlyMap<string, string>> {
  let fields: Map<string, string> | undefined;
  let isInside = false;
  for (const line of linesOf(content)) {
    if (/^\s*\[/.test(line)) {
      isInside = /^\s*\[\[\s*package\s*\]\]/.test(line);
      if (!isInside) continue;
      if (fields !== undefined) yield fields;
      fields = new Map();
      continue;
    }
    const field = isInside ? /^\s*([A-Za-z_-]{1,40})\s*=\s*(.{1,4000})$/.exec(line) : null;
    if (field !== null && fields?.has(field[1] ?? '') === false) {
      fields.set(field[1] ?? '', (field[2] ?? '').trim());
    }
  }
  if (fields !== undefined) yield fields;
}

function textOf(value: string | undefined): string | undefined {
  return /^(["'])(.*?)\1/.exec(value ?? '')?.[2];
}
