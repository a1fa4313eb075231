/** Seccomp profile → the `linux.seccomp` part of an OCI runtime configuration. Pure. */
import type { OciSeccomp, OciSyscallRule } from '../oci-config.ts';
import { type Condition, type RefusedCall, type SeccompProfile, strictProfile } from './profile.ts';

interface SeccompTarget {
  readonly arch: 'x64' | 'arm64';
  /** Whether a launcher inside the sandbox applies Landlock, which needs three more calls. */
  readonly landlock: boolean;
}

const ociArch = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const;

/** Allows the native architecture only: a call through another ABI of the kernel (`int 0x80`) ends the process. */
export function compileSeccomp(profile: SeccompProfile, target: SeccompTarget): OciSeccomp {
  const exists = (name: string) => target.arch === 'x64' || !strictProfile.x64Only.has(name);
  const always: string[] = target.landlock ? [...strictProfile.landlockCalls] : [];
  const conditional: OciSyscallRule[] = [];
  for (const [name, conditions] of profile.allow) {
    if (!exists(name)) continue;
    if (conditions.length === 0) always.push(name);
    else conditional.push(...conditions.map((condition) => allowRule(name, condition)));
  }
  return {
    ...defaultOf(profile.otherwise),
    architectures: [ociArch[target.arch]],
    syscalls: [
      { names: always, action: 'SCMP_ACT_ALLOW' },
      ...conditional,
      ...answerRules(profile),
      ...refusalRules(profile, exists),
    ],
  };
}

function allowRule(name: string, condition: Condition): OciSyscallRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: argumentsOf(condition) };
}

/** Leaves out a call that gets the same answer for all arguments: runtimes accept no other rule beside it. */
function answerRules({ answered, allow, refuse }: SeccompProfile): OciSyscallRule[] {
  return answered
    .filter(({ call }) => allow.get(call)?.length !== 0 && !refuse.has(call))
    .map(({ call, errno, condition }) => ({
      names: [call],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: errno,
      args: argumentsOf(condition),
    }));
}

function argumentsOf(condition: Condition): NonNullable<OciSyscallRule['args']> {
  return condition.map(({ index, mask, value }) =>
    mask === undefined
      ? { index, value, op: 'SCMP_CMP_EQ' }
      : { index, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' },
  );
}

/** Makes one rule for each kind of refusal. A refusal equal to the default needs no rule. */
function refusalRules(profile: SeccompProfile, exists: (name: string) => boolean): OciSyscallRule[] {
  const byRefusal = new Map<string, { refusal: RefusedCall; names: string[] }>();
  for (const [name, refusal] of profile.refuse) {
    if (!exists(name) || profile.allow.has(name)) continue;
    const key = keyOf(refusal);
    if (key === keyOf(profile.otherwise)) continue;
    const entry = byRefusal.get(key) ?? { refusal, names: [] };
    entry.names.push(name);
    byRefusal.set(key, entry);
  }
  return [...byRefusal.values()].map(({ refusal, names }) => ({ names, ...actionOf(refusal) }));
}

function keyOf(refusal: RefusedCall): string {
  return refusal === 'kill' ? 'kill' : String(refusal.errno);
}

function defaultOf(refusal: RefusedCall): Pick<OciSeccomp, 'defaultAction' | 'defaultErrnoRet'> {
  return refusal === 'kill'
    ? { defaultAction: 'SCMP_ACT_KILL_PROCESS' }
    : { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: refusal.errno };
}

function actionOf(refusal: RefusedCall): Pick<OciSyscallRule, 'action' | 'errnoRet'> {
  return refusal === 'kill'
    ? { action: 'SCMP_ACT_KILL_PROCESS' }
    : { action: 'SCMP_ACT_ERRNO', errnoRet: refusal.errno };
}
