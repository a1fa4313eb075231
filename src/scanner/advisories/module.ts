/** Tells apart the module streams of rpm. A program can have several streams, each with versions of its own. */
import type { Component } from '../types.ts';
import type { Affected } from './record.ts';

const inRelease = /\.module[+_]/;

/** False only if the advisory is certainly about another stream. */
export function isOfModule(affected: Affected, component: Component): boolean {
  if (component.ecosystem !== 'rpm') return true;
  const own = moduleOfPurl(component.purl);
  const isModular = own !== undefined || inRelease.test(component.version);
  if (affected.module !== undefined) return own === undefined ? isModular : own === affected.module;
  const fixes = affected.ranges.flatMap((range) => range.filter(([kind]) => kind === 'fixed'));
  return fixes.length === 0 || fixes.some(([, fix]) => inRelease.test(fix) === isModular);
}

/** `pkg:rpm/…?rpmmod=nodejs:18:9030020230831:39f0f4d8` → `nodejs:18`, percent-encoded or not. */
export function moduleOfPurl(purl: unknown): string | undefined {
  const found = typeof purl === 'string' ? /[?&](?:rpmmod|modularitylabel)=([^&#]{1,200})/.exec(purl) : null;
  return found?.[1]?.replaceAll(/%3a/gi, ':').split(':').slice(0, 2).join(':');
}
