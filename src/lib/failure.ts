/** The form of an error between processes, where classes are lost. */
import { Fault, type FaultKind, isFault, messageOf } from './fault.ts';

interface FaultParts {
  readonly code: string;
  readonly kind: FaultKind;
  readonly hint?: string | undefined;
}

export interface Failure {
  readonly message: string;
  readonly fault?: FaultParts | undefined;
}

export function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (!isFault(error)) return { message };
  const { code, kind, hint } = error;
  return { message, fault: { code, kind, ...(hint !== undefined && { hint }) } };
}

export function errorOf({ message, fault }: Failure): Error {
  if (fault === undefined) return new Error(message);
  return new Fault(fault.code, fault.kind, message, fault.hint === undefined ? {} : { hint: fault.hint });
}
