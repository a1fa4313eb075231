/**
 * Reads lock files in TOML that list required packages as `[[package]]`: `poetry.lock`, `uv.lock`, `pdm.lock`,
 * `Cargo.lock`. It reads line by line, since the files have a fixed layout and can have megabytes.
 * Sources: python-poetry.org, docs.astral.sh/uv, pdm-project.org, doc.rust-lang.org/cargo, as they describe the files.
 */
import { hexHash, orUndefined } from './hashes.ts';
import { mostNeeds } from './needs.ts';
import { allPackages, linesOf, named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

interface Lock {
  readonly ecosystem: 'pypi' | 'cargo';
  /** Returns false for the project itself, and for packages marked as development only. */
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
  revision: 3,
  wants: (_file, base) => locks.has(base),
  read: ({ path, content }) => {
    const lock = locks.get(path.slice(path.lastIndexOf('/') + 1));
    if (lock === undefined) return undefined;
    let gap: string | undefined;
    const packages = allPackages(
      blocksOf(content).flatMap(({ fields, needs }): FoundPackage[] => {
        if (!lock.counts(fields)) return [];
        const [name, version] = ['name', 'version'].map((field) => named(textOf(fields.get(field))));
        if (name === undefined || version === undefined) {
          gap = 'it has a package without name or version';
          return [];
        }
        const hashes = hexHash('sha256', textOf(fields.get('checksum')));
        return [{ ecosystem: lock.ecosystem, name, version, hashes: orUndefined(hashes), needs }];
      }),
    );
    // Installed packages were installed from this file, so it adds nothing then.
    return { packages, wishedFor: '', gaps: gap === undefined ? [] : [gap] };
  },
};

interface Block {
  /** Maps fields to raw values. */
  readonly fields: Map<string, string>;
  readonly needs: string[];
}

/** Yields each `[[package]]`. Its needs are a list, or a table below it in Poetry's files. */
function* blocksOf(content: Buffer): Generator<Block> {
  let block: Block | undefined;
  let part: 'package' | 'list' | 'table' | undefined;
  for (const line of linesOf(content)) {
    if (/^\s*\[/.test(line)) {
      part = partOf(line);
      if (part !== 'package') continue;
      if (block !== undefined) yield block;
      block = { fields: new Map(), needs: [] };
    } else if (part === 'list') {
      if (/^\s*\]/.test(line)) part = 'package';
      else addNeed(block, itemOf(line));
    } else if (part === 'table') addNeed(block, keyOf(line));
    else if (part === 'package' && /^\s*dependencies\s*=\s*\[\s*$/.test(line)) part = 'list';
    else if (part === 'package') {
      const field = /^\s*([A-Za-z_-]{1,40})\s*=\s*(.{1,4000})$/.exec(line);
      if (field !== null && block?.fields.has(field[1] ?? '') === false)
        block.fields.set(field[1] ?? '', (field[2] ?? '').trim());
    }
  }
  if (block !== undefined) yield block;
}

function partOf(line: string): 'package' | 'table' | undefined {
  if (/^\s*\[\[\s*package\s*\]\]/.test(line)) return 'package';
  return /^\s*\[\s*package\.dependencies\s*\]/.test(line) ? 'table' : undefined;
}

function addNeed(block: Block | undefined, need: string | undefined): void {
  if (need !== undefined && block !== undefined && block.needs.length < mostNeeds) block.needs.push(need);
}

/**
 * Reads `"name"`, `"name 1.0 (source)"` or `"name>=1; marker"`; for uv, `{ name = "name", version = "1", marker = "…" }`.
 */
function itemOf(line: string): string | undefined {
  const mark = /;|\bmarker\b/.test(line) ? '?' : '';
  const table = /^\s*\{ ?name = "([\w.-]{1,200})"(?:, version = "([\w.+-]{1,100})")?/.exec(line);
  const [, name, version] = table ?? /^\s*"([\w.-]{1,200})(?: (\d[\w.+-]{0,100}))?/.exec(line) ?? [];
  if (name === undefined) return undefined;
  return version === undefined ? mark + name : `${mark}${name} ${version}`;
}

/** Reads `name = ">=1"`. A need with a marker or of an extra has a table as its value, and applies only sometimes. */
function keyOf(line: string): string | undefined {
  const [, name, value = ''] = /^([\w.-]{1,200})\s*=\s*(.*)$/.exec(line) ?? [];
  return name === undefined ? undefined : value.startsWith('{') || value.startsWith('[') ? `?${name}` : name;
}

function textOf(value: string | undefined): string | undefined {
  return /^(["'])(.*?)\1/.exec(value ?? '')?.[2];
}
