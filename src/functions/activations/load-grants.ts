/**
 * Tells invokers which of the actions that they keep ready the gate allows them to load. An invoker that is cut off
 * gets no more grants, so it soon starts nothing more in advance.
 */
import { type Dispatcher, type LoadGrant, loadGrantMs } from '../../dispatch/index.ts';
import type { CodeGate } from '../actions/code-gate.ts';
import { loadPermission } from './run-permission.ts';

export interface LoadGrantOptions {
  readonly dispatcher: Pick<Dispatcher, 'kept' | 'grant'>;
  readonly gate?: Pick<CodeGate, 'mayRun'> | undefined;
}

/** Four grants in a row may be lost before an allowance ends. */
const everyMs = loadGrantMs / 5;

/** Grants until it is disposed. */
export function grantLoads(options: LoadGrantOptions): Disposable {
  const timer = setInterval(() => grantOnce(options), everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Grants nothing while the gate does not know yet. Its answer is used the next time. */
export function grantOnce({ dispatcher, gate }: LoadGrantOptions): void {
  const grants = dispatcher.kept().flatMap((kept): LoadGrant[] => {
    const { namespace, action, revision } = kept;
    const permission = loadPermission(gate, kept);
    return permission === 'unknown' ? [] : [{ namespace, action, revision, permission }];
  });
  if (grants.length > 0) dispatcher.grant(grants, loadGrantMs);
}
