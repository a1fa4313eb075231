/**
 * Lock files in TOML that list what is wished for as `[[package]]`: `poetry.lock`, `uv.lock`, `pdm.lock`, `Cargo.lock`.
 * Read line by line, for they are written in one shape and can have megabytes.
 * Sources: python-poetry.org, docs.astral.sh/uv, pdm-project.org, doc.rust-lang.org/cargo, as they describe the files.
 */
import { hexHash, orUndefined } from './hashes.ts';
import { mostNeeds } from './needs.ts';
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
    // Where packages of the ecosystem are installed, they were installed by it.
    return { packages, wishedFor: '', gaps: gap === undefined ? [] : [gap] };
  },
};

interface Block {
  /** Field → value as it is written. */
  readonly fields: Map<string, string>;
  readonly needs: string[];
}

/** Of each `[[package]]`. What it needs is a list of its own, or as Poetry writes it a table below it. */
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

/** `"name"`, `"name 1.0 (source)"` or `"name>=1; marker"`; of uv, `{ name = "name", version = "1", marker = "…" }`. */
function itemOf(line: string): string | undefined {
  const mark = /;|\bmarker\b/.test(line) ? '?' : '';
  const table = /^\s*\{ ?name = "([\w.-]{1,200})"(?:, version = "([\w.+-]{1,100})")?/.exec(line);
  const [, name, version] = table ?? /^\s*"([\w.-]{1,200})(?: (\d[\w.+-]{0,100}))?/.exec(line) ?? [];
  if (name === undefined) return undefined;
  return version === undefined ? mark + name : `${mark}${name} ${version}`;
}

/** `name = ">=1"`; what has a marker or is an extra is a table of its own, and there only at times. */
function keyOf(line: string): string | undefined {
  const [, name, value = ''] = /^([\w.-]{1,200})\s*=\s*(.*)$/.exec(line) ?? [];
  return name === undefined ? undefined : value.startsWith('{') || value.startsWith('[') ? `?${name}` : name;
}

function textOf(value: string | undefined): string | undefined {
  return /^(["'])(.*?)\1/.exec(value ?? '')?.[2];
}
