/**
 * Intersects seccomp profiles in the format of Docker and the OCI with Ward's strict list. The result allows only what
 * all of them allow, so a profile can only tighten. Calls that a profile names beyond that are reported in
 * `notGranted`, for its author. Rules whose meaning can't be kept are refused: denials that depend on arguments,
 * comparisons by order or inequality (see profile.ts), and actions that pass calls to another process.
 */
import { arch } from 'node:os';
import { z } from 'zod';
import { sandboxFault } from '../faults.ts';
import {
  type ArgumentTest,
  type Condition,
  EPERM,
  type RefusedCall,
  type SeccompProfile,
  strictProfile,
} from './profile.ts';

interface IntersectOptions {
  /** Calls outside the strict list that the operator allows profiles to grant. */
  readonly extraCalls: readonly string[];
  /** The sandbox's capabilities; rules may depend on them. */
  readonly capabilities: readonly string[];
}

const uint = z.int().min(0);
const filterSchema = z
  .object({ caps: z.array(z.string()).optional(), arches: z.array(z.string()).optional() })
  .loose()
  .nullish();
const ruleSchema = z.object({
  name: z.string().max(64).optional(),
  names: z.array(z.string().max(64)).max(1000).optional(),
  action: z.string(),
  errnoRet: uint.max(4095).optional(),
  args: z
    .array(z.object({ index: uint.max(5), value: uint, valueTwo: uint.optional(), op: z.string() }))
    .max(6)
    .nullish(),
  includes: filterSchema,
  excludes: filterSchema,
});
const profileSchema = z.object({
  defaultAction: z.string(),
  defaultErrnoRet: uint.max(4095).optional(),
  syscalls: z.array(ruleSchema).max(2000).nullish(),
});
type Rule = z.output<typeof ruleSchema>;
type UserCondition = NonNullable<Rule['args']>;
type UserTest = UserCondition[number];

/**
 * Allows what the base and every profile allow, in any order. The first profile that removes a call decides how it is
 * refused.
 * @throws Fault POLICY_INVALID
 */
export function strictestOf(
  profiles: readonly unknown[],
  options: IntersectOptions,
  base: SeccompProfile = strictProfile,
): SeccompProfile {
  const allow = new Map(base.allow);
  for (const name of options.extraCalls) allow.set(name, []);
  const ceiling: SeccompProfile = { ...base, allow };
  return profiles.reduce<SeccompProfile>((within, json) => narrowed(json, within, options), ceiling);
}

function narrowed(
  profileJson: unknown,
  within: SeccompProfile,
  { capabilities }: IntersectOptions,
): SeccompProfile {
  const parsed = profileSchema.safeParse(profileJson);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const { defaultAction, defaultErrnoRet, syscalls } = parsed.data;
  const rules = (syscalls ?? []).filter((rule) => applies(rule, capabilities));
  const byName = groupByName(rules);
  const defaultAllows = isAllow(defaultAction);
  const allow = new Map<string, readonly Condition[]>();
  const refuse = new Map(within.refuse);
  for (const [name, ours] of within.allow) {
    const theirs = treatmentOf(name, byName.get(name), defaultAllows);
    if ('conditions' in theirs) {
      const both = meet(name, ours, theirs.conditions);
      if (both !== undefined) allow.set(name, both);
    } else if (theirs.refusal !== undefined) refuse.set(name, theirs.refusal);
  }
  return {
    name: 'custom',
    otherwise: defaultAllows
      ? within.otherwise
      : harsherOf(within.otherwise, refusalOf(defaultAction, defaultErrnoRet)),
    allow,
    refuse,
    answered: strictProfile.answered,
    notGranted: [
      ...within.notGranted,
      ...[...byName]
        .filter(([name, list]) => list.some(isAllowing) && !allow.has(name))
        .map(([name]) => name),
    ],
  };
}

function isAllowing({ action }: Rule): boolean {
  return isAllow(action);
}

function harsherOf(first: RefusedCall, second: RefusedCall): RefusedCall {
  return first === 'kill' ? first : second;
}

/** How a profile treats a call: the conditions under which it is allowed, or how it is refused. */
type CallTreatment =
  | { readonly conditions: readonly UserCondition[] }
  | { readonly refusal: RefusedCall | undefined };

function treatmentOf(
  name: string,
  rules: readonly Rule[] | undefined,
  defaultAllows: boolean,
): CallTreatment {
  if (rules === undefined) return defaultAllows ? { conditions: [] } : { refusal: undefined };
  const denials = rules.filter((rule) => !isAllow(rule.action));
  if (denials.some((rule) => (rule.args ?? []).length > 0)) {
    throw invalid(
      `${name}: a denial that depends on arguments can't be enforced safely; allow by argument instead`,
    );
  }
  const [denial] = denials;
  if (denial !== undefined) return { refusal: refusalOf(denial.action, denial.errnoRet) };
  if (rules.some((rule) => (rule.args ?? []).length === 0)) return { conditions: [] };
  return { conditions: rules.map((rule) => rule.args ?? []) };
}

/**
 * Most combinations: each profile multiplies the conditions of a call by its own, and a runtime compiles all of them.
 */
const mostPairs = 20_000;

/** Combines two lists of alternatives; an empty list means "always". Undefined when no call can satisfy both. */
function meet(
  name: string,
  ours: readonly Condition[],
  theirs: readonly UserCondition[],
): readonly Condition[] | undefined {
  if (theirs.length === 0) return ours;
  if (ours.length * theirs.length > mostPairs) {
    throw invalid(`${name}: more than ${mostPairs} combinations of conditions; write fewer rules for it`);
  }
  const pairs = (ours.length === 0 ? [[]] : ours).flatMap((own) =>
    theirs.flatMap((other) => {
      const both = mergeConditions(name, own, other);
      return both === undefined ? [] : [both];
    }),
  );
  return pairs.length === 0 ? undefined : pairs;
}

/** Merges two conditions into one that holds when both do; undefined when they exclude each other. */
function mergeConditions(name: string, own: Condition, other: UserCondition): Condition | undefined {
  const merged = new Map(own.map((test) => [test.index, test]));
  if (new Set(other.map((test) => test.index)).size < other.length) {
    throw invalid(`${name}: a rule tests one argument twice, which runtimes understand differently`);
  }
  for (const test of other) {
    const mine = merged.get(test.index);
    const both = mergeTests(name, mine, test);
    if (both === undefined) return undefined;
    merged.set(test.index, both);
  }
  return [...merged.values()];
}

function mergeTests(name: string, own: ArgumentTest | undefined, other: UserTest): ArgumentTest | undefined {
  if (own !== undefined && own.mask === undefined) return holds(name, own.value, other) ? own : undefined;
  const theirs = equalityOf(name, other);
  if (own?.mask === undefined) return theirs;
  if (theirs.mask === undefined) return and(theirs.value, own.mask) === own.value ? theirs : undefined;
  if (and(own.value, theirs.mask) !== and(theirs.value, own.mask)) return undefined;
  return {
    index: own.index,
    mask: Number(BigInt(own.mask) | BigInt(theirs.mask)),
    value: Number(BigInt(own.value) | BigInt(theirs.value)),
  };
}

/** Only equality can be enforced on a value that isn't known yet. */
function equalityOf(name: string, { index, op, value, valueTwo = 0 }: UserTest): ArgumentTest {
  if (op === 'SCMP_CMP_EQ') return { index, value };
  if (op === 'SCMP_CMP_MASKED_EQ') return { index, mask: value, value: valueTwo };
  throw invalid(
    `${name}: ${op} compares 64 bits where the kernel reads 32, so it can be fooled; use EQ or MASKED_EQ`,
  );
}

/** Whether a known value passes a test: every comparison is safe, because the caller can't change the value. */
function holds(name: string, known: number, { op, value, valueTwo = 0 }: UserTest): boolean {
  switch (op) {
    case 'SCMP_CMP_EQ':
      return known === value;
    case 'SCMP_CMP_MASKED_EQ':
      return and(known, value) === valueTwo;
    case 'SCMP_CMP_NE':
      return known !== value;
    case 'SCMP_CMP_LT':
      return known < value;
    case 'SCMP_CMP_LE':
      return known <= value;
    case 'SCMP_CMP_GE':
      return known >= value;
    case 'SCMP_CMP_GT':
      return known > value;
    default:
      throw invalid(`${name}: unknown comparison ${op}`);
  }
}

function and(left: number, right: number): number {
  return Number(BigInt(left) & BigInt(right));
}

function groupByName(rules: readonly Rule[]): Map<string, Rule[]> {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of rule.names ?? (rule.name === undefined ? [] : [rule.name])) {
      groups.set(name, [...(groups.get(name) ?? []), rule]);
    }
  }
  return groups;
}

/**
 * Evaluates Docker's `includes` and `excludes`: capabilities and architectures. Every supported kernel is new enough
 * for its versions.
 */
function applies({ includes, excludes }: Rule, capabilities: readonly string[]): boolean {
  const native = arch() === 'x64' ? 'amd64' : arch();
  const hasAll = (caps: readonly string[] = []) => caps.every((name) => capabilities.includes(name));
  const hasAny = (caps: readonly string[] = []) => caps.some((name) => capabilities.includes(name));
  if (!hasAll(includes?.caps) || hasAny(excludes?.caps)) return false;
  const isForArch = includes?.arches === undefined || includes.arches.includes(native);
  return isForArch && !(excludes?.arches ?? []).includes(native);
}

function isAllow(action: string): boolean {
  // A logged call is allowed; the kernel does the logging.
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

function refusalOf(action: string, errno: number | undefined): RefusedCall {
  if (action === 'SCMP_ACT_ERRNO') return { errno: errno ?? EPERM };
  const kills = ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'];
  if (kills.includes(action)) return 'kill';
  throw invalid(`the action ${action} isn't supported`);
}

function invalid(why: string) {
  return sandboxFault('POLICY_INVALID', `seccomp: ${why}`);
}
