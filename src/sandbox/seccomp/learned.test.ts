import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { strictestOf } from './intersect.ts';
import { floorCalls, learnedProfile } from './learned.ts';
import { strictProfile } from './profile.ts';

const none = { extraCalls: [], capabilities: [] };
const [mkdir, ptrace, unknown] = [83, 101, 4242];

test('keeps the recorded calls and the floor, and removes all others', () => {
  const { profile, removed, floor, refused } = learnedProfile(new Set([mkdir]), 'x64');
  const { names } = profile.syscalls[0];
  expect(names).toContain('mkdir');
  expect(new Set(names)).toEqual(
    new Set(['mkdir', ...floorCalls.filter((name) => strictProfile.allow.has(name))]),
  );
  expect(removed).toContain('rmdir');
  expect(removed).not.toContain('mkdir');
  expect(names.length + removed.length).toBe(strictProfile.allow.size);
  expect(floor).not.toContain('mkdir');
  expect(refused).toEqual([]);
});

test('never has a name that the default lacks', () => {
  const all = new Set(Array.from({ length: 600 }, (_, number) => number));
  const { profile, removed, refused } = learnedProfile(all, 'x64');
  for (const name of profile.syscalls[0].names) expect(strictProfile.allow.has(name)).toBe(true);
  expect(removed).toEqual([]);
  expect(refused).toContain('mount');
  expect(learnedProfile(new Set([ptrace, unknown]), 'x64').refused).toEqual(['#4242', 'ptrace']);
});

test('works as a custom profile, with Ward’s conditions and tripwires', () => {
  const { profile } = learnedProfile(new Set([mkdir]), 'x64');
  const both = strictestOf([profile], none);
  expect(new Set(both.allow.keys())).toEqual(new Set(profile.syscalls[0].names));
  expect(both.allow.get('clone')).toEqual(strictProfile.allow.get('clone'));
  expect(both.refuse.get('mount')).toBe('kill');
  expect(both.refuse.get('clone3')).toEqual({ errno: 38 });
  expect(both.notGranted).toEqual([]);
});

test('every call of the floor is one of the list', () => {
  expect(floorCalls.filter((name) => !strictProfile.allow.has(name))).toEqual([]);
  expect(new Set(floorCalls).size).toBe(floorCalls.length);
});

test('every call of the list has a number, except those that arm64 never had', () => {
  const file = join(import.meta.dirname, '../../../policies/system-calls.json');
  const { x64, arm64 } = JSON.parse(readFileSync(file, 'utf8'));
  const names = [...strictProfile.allow.keys(), ...strictProfile.landlockCalls];
  expect(names.filter((name) => x64[name] === undefined)).toEqual([]);
  expect(names.filter((name) => arm64[name] === undefined && !strictProfile.x64Only.has(name))).toEqual([]);
});
