/**
 * SHA-512 as a second name of bytes: clients can push, name and pull by it, but Ward stores, judges and runs only by
 * SHA-256, so that the same bytes always have one identity. Ward computes each name itself. Source: OCI image-spec
 * v1.1, descriptor.md, "Registered algorithms".
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { type Digest, isDigest, isSecondName, type SecondName } from '../blobs/index.ts';
import type { BatchStep } from '../store/index.ts';
import { type RegistryDatabase, step } from './database.ts';

export interface SecondNames {
  /** The client's repository must still have the bytes. Undefined when nothing was pushed with this name. */
  resolve(name: Digest | SecondName): Promise<Digest | undefined>;
  /** All known second names in the text of a manifest. */
  namesIn(manifest: Buffer): Promise<ReadonlyMap<string, Digest>>;
}

const mark = Buffer.from('sha512:');
const row = z.object({ name: z.string(), digest: z.string().refine(isDigest) });

export function createSecondNames(db: RegistryDatabase): SecondNames {
  const known = (names: readonly string[]) =>
    db.all(
      row,
      `select name, digest from second_names where name in ${db.words.listed('?1')}`,
      JSON.stringify(names),
    );
  return {
    resolve: async (name) => (isDigest(name) ? name : (await known([name]))[0]?.digest),
    async namesIn(manifest) {
      if (!manifest.includes(mark)) return new Map();
      const names = new Set(
        manifest
          .toString('latin1')
          .match(/sha512:[0-9a-f]{128}/g)
          ?.filter(isSecondName),
      );
      return new Map((await known([...names])).map(({ name, digest }) => [name, digest]));
    },
  };
}

/**
 * Part of a transaction that has changed the row of the blob.
 * @param name computed from the bytes of the blob
 */
export function secondNameSteps(name: SecondName | undefined, digest: Digest): readonly BatchStep[] {
  if (name === undefined) return [];
  const sql = `insert into second_names (name, digest) values (?1, ?2)
    on conflict (name) do update set digest = excluded.digest`;
  return [step(sql, name, digest)];
}

/** Hashes with constant memory. */
export async function secondNameOf(bytes: Readable): Promise<string> {
  const hash = createHash('sha512');
  for await (const piece of bytes) hash.update(piece);
  return `sha512:${hash.digest('hex')}`;
}
