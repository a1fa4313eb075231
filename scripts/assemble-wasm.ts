/**
 * `npm run wasm`: compiles each .wat in the sources to a .wasm beside it. Both are committed, so that Ward runs
 * without a build; a test compares them.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openWabt from 'wabt';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Paths of all `.wat` files. */
export function wasmSources(): readonly string[] {
  return globSync('src/**/*.wat', { cwd: root }).map((path) => join(root, path));
}

export function wasmPathOf(source: string): string {
  return source.replace(/\.wat$/, '.wasm');
}

/** @throws Error with the line, when it is not valid */
export async function assemble(source: string): Promise<Uint8Array> {
  const { parseWat } = await openWabt();
  const module = parseWat(basename(source), readFileSync(source, 'utf8'));
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

if (import.meta.main) {
  for (const source of wasmSources()) writeFileSync(wasmPathOf(source), await assemble(source));
}
