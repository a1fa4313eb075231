/**
 * A seccomp profile in Ward's form: an allow-list whose conditions are only ever "these bits of this argument equal
 * that value". Comparisons by order or inequality don't exist here, because libseccomp compares 64 bits where the
 * kernel looks at 32, so that a caller could evade them by setting the high half.
 *
 * The strict profile is data, `policies/seccomp.json`:
 * - `allow`: calls that are allowed with any arguments, by topic, as words in lines;
 * - `landlock`: further calls, allowed only where `setpriv` applies Landlock inside the sandbox (its `capset` can only
 * drop);
 * - `arguments`: calls that are allowed only `when` every listed argument fits: `oneOf` these values (with `plus`: any
 * combination of these flags on top), or `noneOf` these bits set;
 * - `answered`: calls that are not made, but answered with a certain errno or 0 (`OK`, as if they had succeeded),
 * because some program fails with the default answer;
 * - `enosys`: calls that libc falls back from when they don't exist;
 * - `einval`: calls that programs fall back from when the descriptors don't suit;
 * - `kill`: calls that no program inside needs: the process ends at once;
 * - `x64Only`: names that arm64 never had.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { kernelConstants } from './constants.ts';

/** `(argument[index] & mask) === value`; without a mask all 64 bits count. */
export interface ArgumentTest {
  readonly index: number;
  readonly mask?: number;
  readonly value: number;
}

/** Every test must hold. */
export type Condition = readonly ArgumentTest[];

/** The answer to a refused call: an errno, or the end of its process. */
export type RefusedCall = { readonly errno: number } | 'kill';

interface Answered {
  readonly call: string;
  /** 0: as if the call had succeeded. */
  readonly errno: number;
  readonly condition: Condition;
}

export interface SeccompProfile {
  readonly name: string;
  /** The answer to a call that isn't named. */
  readonly otherwise: RefusedCall;
  /** Call → conditions, one of which must hold; an empty list always allows the call. */
  readonly allow: ReadonlyMap<string, readonly Condition[]>;
  readonly refuse: ReadonlyMap<string, RefusedCall>;
  /** Calls that get a certain answer under a condition that no rule of `allow` meets. */
  readonly answered: readonly Answered[];
  /** Calls that a user's profile names but Ward doesn't grant. */
  readonly notGranted: readonly string[];
}

/** The strict profile, and the names that are added when Landlock is applied from inside. */
interface StrictProfile extends SeccompProfile {
  readonly landlockCalls: readonly string[];
  readonly x64Only: ReadonlySet<string>;
}

export const EPERM = 1;
export const EINVAL = 22;
export const ENOSYS = 38;

const words = z.array(z.string()).transform((lines) => lines.flatMap((line) => line.split(' ')));
const values = words.transform((names, context) =>
  names.map((name) => {
    const value = kernelConstants[name];
    if (value === undefined) context.addIssue({ code: 'custom', message: `unknown constant ${name}` });
    return value ?? 0;
  }),
);
const argumentSchema = z.union([
  z.strictObject({ arg: z.int().min(0).max(5), oneOf: values, plus: values.optional() }),
  z.strictObject({ arg: z.int().min(0).max(5), noneOf: values }),
]);
const answers = { OK: 0 };
const fileSchema = z.strictObject({
  about: z.array(z.string()),
  allow: z.record(z.string(), words),
  landlock: words,
  arguments: z.array(z.strictObject({ call: z.string(), when: z.array(argumentSchema).min(1) })),
  answered: z.array(
    z.strictObject({
      call: z.string(),
      errno: z.enum(['OK']),
      when: z.array(argumentSchema).min(1),
    }),
  ),
  enosys: words,
  einval: words,
  kill: words,
  x64Only: words,
});

/** Reads a profile in Ward's own format. @throws ZodError when the file isn't one. */
function loadStrictProfile(file: string): StrictProfile {
  const data = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const allow = new Map<string, readonly Condition[]>();
  for (const name of Object.values(data.allow).flat()) allow.set(name, []);
  for (const rule of data.arguments) {
    allow.set(rule.call, [...(allow.get(rule.call) ?? []), ...conditionsOf(rule.when)]);
  }
  return {
    name: 'strict',
    otherwise: { errno: EPERM },
    allow,
    refuse: new Map<string, RefusedCall>([
      ...data.enosys.map((name): [string, RefusedCall] => [name, { errno: ENOSYS }]),
      ...data.einval.map((name): [string, RefusedCall] => [name, { errno: EINVAL }]),
      ...data.kill.map((name): [string, RefusedCall] => [name, 'kill']),
    ]),
    answered: data.answered.flatMap(({ call, errno, when }) =>
      conditionsOf(when).map((condition) => ({ call, errno: answers[errno], condition })),
    ),
    notGranted: [],
    landlockCalls: data.landlock,
    x64Only: new Set(data.x64Only),
  };
}

export const strictProfile: StrictProfile = loadStrictProfile(
  join(import.meta.dirname, '../../../policies/seccomp.json'),
);

/** The cartesian product of the values that each argument may have. */
function conditionsOf(tests: readonly z.output<typeof argumentSchema>[]): Condition[] {
  let conditions: Condition[] = [[]];
  for (const test of tests) {
    const choices = choicesOf(test);
    conditions = conditions.flatMap((condition) => choices.map((choice) => [...condition, choice]));
  }
  return conditions;
}

function choicesOf(test: z.output<typeof argumentSchema>): ArgumentTest[] {
  if ('noneOf' in test) {
    return [{ index: test.arg, mask: test.noneOf.reduce((bits, bit) => bits | bit, 0), value: 0 }];
  }
  let flagSets = [0];
  for (const flag of test.plus ?? []) flagSets = flagSets.flatMap((set) => [set, set | flag]);
  return test.oneOf.flatMap((value) =>
    flagSets.map((flags) => ({ index: test.arg, value: (value | flags) >>> 0 })),
  );
}
