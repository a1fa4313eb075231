/**
 * What `cargo auditable` puts into a program: the crates that it is made of.
 * Source: cargo-auditable, PARSING.md: zlib of JSON, 8 MiB at most.
 */
import { inflateSync } from 'node:zlib';
import { isJsonObject } from '../../../lib/index.ts';
import { itemsOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Proof } from '../types.ts';

const maxJsonBytes = 8 * 1024 * 1024;

/** Of the section `.dep-v0`. Throws when it is damaged. */
export function rustCrates(section: Buffer): Proof {
  const document = jsonObjectOf(inflateSync(section, { maxOutputLength: maxJsonBytes }));
  const packages = itemsOf(document['packages']).flatMap((item) => {
    if (!isJsonObject(item) || item['kind'] === 'build' || item['root'] === true) return [];
    const name = named(item['name']);
    const version = named(item['version']);
    return name === undefined || version === undefined
      ? []
      : [{ ecosystem: 'cargo' as const, name, version }];
  });
  return { packages };
}
