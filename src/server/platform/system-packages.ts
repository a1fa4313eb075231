/** The packages of `/whisk.system`, read from `policies/system`: their descriptions and their code. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { JsonValue } from '../../lib/index.ts';

export interface SystemAction {
  readonly name: string;
  readonly annotations: Readonly<Record<string, JsonValue>>;
  readonly code: string;
}

export interface SystemPackage {
  readonly name: string;
  readonly annotations: Readonly<Record<string, JsonValue>>;
  /** Actions that run in a sandbox. */
  readonly actions: readonly SystemAction[];
}

const annotations = z.record(z.string(), z.json());
const schema = z.record(
  z.string(),
  z.strictObject({ annotations, actions: z.record(z.string(), annotations).default({}) }),
);
const folder = new URL('../../../policies/system/', import.meta.url);

export async function readSystemPackages(): Promise<readonly SystemPackage[]> {
  const packages = schema.parse(parseYaml(await read('packages.yaml')));
  return Promise.all(
    Object.entries(packages).map(async ([name, { annotations: own, actions }]) => {
      const withCode = Object.entries(actions).map(async ([action, each]) => ({
        name: action,
        annotations: each,
        code: await read(`${name}/${action}.js`),
      }));
      return { name, annotations: own, actions: await Promise.all(withCode) };
    }),
  );
}

function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, folder)), 'utf8');
}
