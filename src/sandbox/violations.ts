/** What a sandbox tried, or used up, that its policy does not let it: facts for the record, not verdicts. */

const violationKinds = ['seccomp', 'oom', 'pids', 'lsm', 'egress'] as const;

/**
 * - `seccomp`: a tripwire call, or one of another ABI; the process was ended by SIGSYS
 * - `oom`: the kernel ended a process of it for exceeding the memory limit, or Ward all of it for its sockets
 * - `pids`: it could not make a process or thread, because it had as many as it may
 * - `lsm`: AppArmor or SELinux refused something
 * - `egress`: a connection to where it may not
 */
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  readonly kind: ViolationKind;
  /** For people, at most `maxDetail` characters. It may hold names that the sandbox chose: treat it as hostile. */
  readonly detail: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Hears what happens in sandboxes as it happens. Never throws, and never keeps its caller waiting. */
export type ViolationSink = (sandboxId: string, violation: Violation) => void;

const maxDetail = 200;

/** A violation whose detail is cut to size and has no control characters. */
export function violation(kind: ViolationKind, detail: string, at = Date.now()): Violation {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = detail.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  return { kind, detail: plain.slice(0, maxDetail), at };
}
