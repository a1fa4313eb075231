/** What a sandbox attempted or used up against its policy: facts for the record, not verdicts. */

const violationKinds = ['seccomp', 'oom', 'pids', 'lsm', 'egress'] as const;

/**
 * - `seccomp`: a tripwire call, or one of another ABI; SIGSYS ended the process
 * - `oom`: the kernel ended a process for exceeding the memory limit, or Ward ended the sandbox because of its sockets
 * - `pids`: a process or thread was refused because the limit was reached
 * - `lsm`: AppArmor or SELinux refused something
 * - `egress`: a connection to a destination that is not allowed
 */
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  readonly kind: ViolationKind;
  /** For people, at most `maxDetail` characters. It may contain names that the sandbox chose: treat it as hostile. */
  readonly detail: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Receives violations as they happen. Never throws, and never makes its caller wait. */
export type ViolationSink = (sandboxId: string, violation: Violation) => void;

const maxDetail = 200;

/** Makes a violation; limits the detail's length and removes control characters. */
export function violation(kind: ViolationKind, detail: string, at = Date.now()): Violation {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are removed
  const plain = detail.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  return { kind, detail: plain.slice(0, maxDetail), at };
}
