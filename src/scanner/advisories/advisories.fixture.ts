/** Shared by the tests of advisories: temporary folders, small exports, components, and databases made of them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Component, Distribution, Ecosystem, Malware, Vulnerability } from '../types.ts';
import { InputFailure } from './importing/input-failure.ts';
import { runImport } from './importing/run.ts';
import { advisoryInputs } from './inputs.ts';
import { openAdvisories } from './open.ts';
import type { AdvisoryDatabase, ImportResult } from './types.ts';

export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  /** Path of the advisory file, which does not exist yet. */
  readonly path: string;
  /** Writes an export and returns its path. */
  put(name: string, content: string | Buffer): Promise<string>;
  /**
   * Does what `importAdvisories` does, but without its thread, which takes longer to start than a small file takes to read.
   */
  importAll(...names: string[]): Promise<ImportResult>;
}

export async function workplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-advisories-'));
  const path = join(folder, 'data', 'advisories.db');
  return {
    folder,
    path,
    async put(name, content) {
      const file = join(folder, 'exports', name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      return file;
    },
    async importAll(...names) {
      const files = names.map((name) => join(folder, 'exports', name));
      const inputs = await Promise.all(files.map(advisoryInputs));
      const job = { path, inputs: inputs.flat(), forget: [], unchanged: [] };
      return await runImport(job, () => {}).catch((error: unknown) => {
        throw error instanceof InputFailure ? error.fault : error;
      });
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A database of these files, by name. Content that is not text becomes lines of JSON. */
export async function databaseOf(
  files: Readonly<Record<string, string | readonly object[]>>,
): Promise<AdvisoryDatabase & AsyncDisposable> {
  const place = await workplace();
  for (const [name, content] of Object.entries(files)) {
    await place.put(name, typeof content === 'string' ? content : ndjson(content));
  }
  await place.importAll(...Object.keys(files));
  const database = openAdvisories({ path: place.path });
  return Object.assign(database, {
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
      await place[Symbol.asyncDispose]();
    },
  });
}

export function ndjson(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

interface OsvOptions {
  readonly id: string;
  readonly ecosystem?: string;
  readonly name?: string;
  readonly events?: readonly object[];
  readonly versions?: readonly string[];
  readonly [field: string]: unknown;
}

/** An OSV record about one package. */
export function osv({
  id,
  ecosystem = 'npm',
  name = 'thing',
  events,
  versions,
  ...rest
}: OsvOptions): object {
  const ranges = events === undefined ? [] : [{ type: 'ECOSYSTEM', events }];
  const affected = [{ package: { ecosystem, name }, ranges, versions }];
  return { schema_version: '1.6.0', id, modified: '2024-01-01T00:00:00Z', affected, ...rest };
}

export const upTo = (fixed: string) => [{ introduced: '0' }, { fixed }];

export function component(
  ecosystem: Ecosystem,
  name: string,
  version: string,
  rest: Partial<Component> = {},
): Component {
  const purl = `pkg:${ecosystem}/${name}@${version}`;
  return { ecosystem, name, version, purl, places: [{ path: `usr/${name}` }], ...rest };
}

export function distribution(id: string, versionId: string): Distribution {
  return { id, versionId, name: id };
}

export function vulnerabilities(found: readonly (Vulnerability | Malware)[]): readonly Vulnerability[] {
  return found.filter((finding) => finding.class === 'vulnerability');
}

export function idsOf(found: readonly (Vulnerability | Malware)[]): readonly string[] {
  return found.map(({ id }) => id).toSorted();
}
