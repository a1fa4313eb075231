/** What the tests of advisories share: folders that vanish, small exports, components, and databases made of them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Component, Distribution, Ecosystem, Malware, Vulnerability } from '../types.ts';
import { InputFailure } from './build/input-failure.ts';
import { runImport } from './build/run.ts';
import { advisoryInputs } from './inputs.ts';
import { openAdvisories } from './open.ts';
import type { AdvisoryDatabase, ImportResult } from './types.ts';

export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  /** Of the file of advisories, not there yet. */
  readonly path: string;
  /** Writes an export; answers with its path. */
  put(name: string, content: string | Buffer): Promise<string>;
  /** What `importAdvisories` does, without the thread, which takes longer to start than a small file to read. */
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

/** A database of these files, by name; what is not a text becomes lines of JSON. */
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

/** A record of OSV that speaks of one package. */
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
