import { expect, it } from 'vitest';
import type { Component } from '../types.ts';
import { knowledgeOf, topLevelOf } from './dependencies.ts';

function component(purl: string, more: Partial<Component> = {}): Component {
  const ecosystem = purl.startsWith('pkg:deb') ? 'deb' : 'npm';
  return { ecosystem, name: 'a', version: '1', purl, places: [{ path: 'a' }], ...more };
}

it('the target needs components that no other needs, and the first of a cycle', () => {
  const components = [
    component('pkg:deb/a', { dependsOn: ['pkg:deb/b'] }),
    component('pkg:deb/b'),
    component('pkg:npm/c', { dependsOn: ['pkg:npm/d'] }),
    component('pkg:npm/d', { dependsOn: ['pkg:npm/c', 'pkg:npm/e'] }),
    component('pkg:npm/e'),
    component('pkg:npm/f', { dependsOn: ['pkg:npm/c'] }),
    component('pkg:npm/g', { dependsOn: ['pkg:npm/h'] }),
    component('pkg:npm/h', { dependsOn: ['pkg:npm/g'] }),
  ];
  expect(topLevelOf(components)).toEqual({ ofSystem: ['pkg:deb/a'], others: ['pkg:npm/f', 'pkg:npm/g'] });
});

it('dependencies are complete, incomplete or unknown', () => {
  const of = (more: Partial<Component>) => knowledgeOf(component('pkg:npm/a', more));
  expect([of({}), of({ dependsOn: [] }), of({ dependsOn: [], needsMore: true })]).toEqual([
    'unknown',
    'complete',
    'incomplete',
  ]);
});
