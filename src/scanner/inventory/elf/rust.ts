/**
 * Reads the crates that `cargo auditable` records in a program.
 * Source: cargo-auditable, PARSING.md: zlib of JSON, 8 MiB at most.
 */
import { inflateSync } from 'node:zlib';
import { isJsonObject, type JsonValue } from '../../../lib/index.ts';
import { itemsOf, jsonObjectOf } from '../json-document.ts';
import { mostNeeds } from '../needs.ts';
import { named } from '../text.ts';
import type { Proof } from '../types.ts';

const maxJsonBytes = 8 * 1024 * 1024;

/** Reads the section `.dep-v0`. Throws when it is damaged. */
export function rustCrates(section: Buffer): Proof {
  const document = jsonObjectOf(inflateSync(section, { maxOutputLength: maxJsonBytes }));
  const crates = itemsOf(document['packages']).map(crateOf);
  const packages = crates.flatMap((crate) => {
    if (crate === undefined || crate.isLeftOut) return [];
    const { name, version } = crate;
    const needs = crate.needs.flatMap((at) => {
      const other = crates[at];
      return other === undefined || other.isLeftOut ? [] : [`${other.name} ${other.version}`];
    });
    return [{ ecosystem: 'cargo' as const, name, version, needs }];
  });
  return { packages };
}

interface Crate {
  readonly name: string;
  readonly version: string;
  /** True for the program itself and for build dependencies. */
  readonly isLeftOut: boolean;
  /** Indexes in the list. */
  readonly needs: readonly number[];
}

function crateOf(item: JsonValue): Crate | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = named(item['name']);
  const version = named(item['version']);
  if (name === undefined || version === undefined) return undefined;
  const needs = itemsOf(item['dependencies']).filter((each) => typeof each === 'number');
  return {
    name,
    version,
    isLeftOut: item['kind'] === 'build' || item['root'] === true,
    needs: needs.slice(0, mostNeeds),
  };
}
