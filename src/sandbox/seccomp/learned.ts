/**
 * Derives the smallest profile that allows the recorded system calls. It never has a call that the strict list lacks.
 * Pure.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { strictProfile } from './profile.ts';

/** A profile in Docker's format. */
type LearnedProfile = {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly syscalls: readonly [{ readonly names: readonly string[]; readonly action: 'SCMP_ACT_ALLOW' }];
};

export interface Learned {
  readonly profile: LearnedProfile;
  /** Calls of the strict list that the profile lacks. */
  readonly removed: readonly string[];
  /** Calls that are kept although they were not recorded, because a sample may not show them. */
  readonly floor: readonly string[];
  /** Calls that were attempted and stay refused: names, or `#number` for calls that Ward doesn't know. */
  readonly refused: readonly string[];
}

const policies = join(import.meta.dirname, '../../../policies');
const numbersSchema = z.record(z.string(), z.int());
const callsSchema = z.object({ x64: numbersSchema, arm64: numbersSchema });
const floorSchema = z.object({ keep: z.record(z.string(), z.array(z.string())) });

export const floorCalls: readonly string[] = Object.values(
  floorSchema.parse(readJson('seccomp-floor.json')).keep,
).flatMap((lines) => lines.flatMap((line) => line.split(' ')));

/** @param numbers Numbers of the recorded calls, on this processor architecture. */
export function learnedProfile(numbers: ReadonlySet<number>, arch: 'x64' | 'arm64'): Learned {
  const names = namesByNumber(arch);
  const seen = [...numbers].map((number) => names.get(number) ?? `#${number}`);
  const isAllowed = (name: string) => strictProfile.allow.has(name);
  const used = new Set(seen.filter(isAllowed));
  const floor = floorCalls.filter((name) => isAllowed(name) && !used.has(name));
  const kept = [...used, ...floor].toSorted();
  const keptSet = new Set(kept);
  const launcher = new Set(strictProfile.landlockCalls);
  return {
    profile: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      syscalls: [{ names: kept, action: 'SCMP_ACT_ALLOW' }],
    },
    removed: [...strictProfile.allow.keys()].filter((name) => !keptSet.has(name)).toSorted(),
    floor: floor.toSorted(),
    refused: seen.filter((name) => !isAllowed(name) && !launcher.has(name)).toSorted(),
  };
}

function namesByNumber(arch: 'x64' | 'arm64'): ReadonlyMap<number, string> {
  const numbers = callsSchema.parse(readJson('system-calls.json'))[arch];
  return new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(policies, name), 'utf8'));
}
