import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assemble, wasmPathOf, wasmSources } from './assemble-wasm.ts';

test('each .wasm matches its source', async () => {
  const sources = wasmSources();
  expect(sources).not.toEqual([]);
  for (const source of sources) {
    const kept = readFileSync(wasmPathOf(source));
    expect(kept.equals(await assemble(source)), `${source}: npm run wasm`).toBe(true);
  }
});
