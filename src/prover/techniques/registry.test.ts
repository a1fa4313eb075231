import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mechanismNames } from '../../sandbox/index.ts';
import { programFileOf, programText } from '../programs.ts';
import { attackVectors } from '../types.ts';
import { techniques } from './registry.ts';

test('there are many techniques, and some of each vector', () => {
  expect(techniques.length).toBeGreaterThanOrEqual(120);
  for (const vector of attackVectors) {
    expect(techniques.filter((one) => one.vector === vector).length, vector).toBeGreaterThanOrEqual(10);
  }
});

test('names are unique, and can be used in a pattern on the command line', () => {
  const names = techniques.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});

test.each(techniques)('$name has a title, a reference and expected answers', (technique) => {
  const { title, reference, expects, timeoutMs = 1 } = technique;
  for (const text of [title, reference]) {
    expect(text).toMatch(/^\S(.*\S)?$/);
    // They are cells of a table, not sentences.
    expect(text).not.toMatch(/[|\n`]|\.$/);
  }
  expect(new Set(expects).size).toBe(expects.length);
  expect(expects.length).toBeGreaterThan(0);
  expect(timeoutMs).toBeLessThanOrEqual(60_000);
  if (!('run' in technique))
    expect(programText(programFileOf(technique))).toMatch(
      /refus|blocked|escaped|found|runs|let_through|judge/,
    );
});

test('every mechanism that confines a sandbox has techniques that attack it', () => {
  const answering = new Set<string>(techniques.map(({ control }) => control));
  // Tests of other rooms cover these: LSMs and io need hosts that have them, and Ward's own isolation is not part of a
  // sandbox.
  const elsewhere = [
    'landlock-scope',
    'core-scheduling',
    'speculation-control',
    'apparmor',
    'selinux',
    'io-limit',
    'egress',
    'host-isolation',
  ];
  expect(mechanismNames.filter((name) => !answering.has(name) && !elsewhere.includes(name))).toEqual([]);
});

test('every file of techniques is registered', () => {
  const source = readFileSync(new URL('registry.ts', import.meta.url), 'utf8');
  const files = readdirSync(new URL('.', import.meta.url)).filter(
    (name) => name.endsWith('.ts') && !/^registry|\.test\.ts$/.test(name),
  );
  for (const file of files) expect(source).toContain(`from './${file}'`);
});
