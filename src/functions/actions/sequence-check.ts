/**
 * Checks that a sequence may be stored: its length including all sequences within, and that it does not contain
 * itself.
 */

import { type EntityRef, fullNameOf, parseFullName } from '../entities/names.ts';
import { functionFault } from '../faults.ts';
import type { Action } from './action.ts';
import { isSequence } from './exec.ts';

/** Finds the action of a name, through bindings. Rejects if there is none that the caller may use. */
type FindComponent = (ref: EntityRef) => Promise<Action>;

/**
 * @param maxLength maximum number of actions
 * @throws Fault SEQUENCE_INVALID, and what `find` rejects with for components of other namespaces
 */
export async function checkSequence(
  sequence: EntityRef,
  components: readonly EntityRef[],
  maxLength: number,
  find: FindComponent,
): Promise<void> {
  if (components.length === 0) throw invalid('No component specified for the sequence.');
  const count = await countActions({ sequence: fullNameOf(sequence), maxLength, find }, components);
  if (count > maxLength) throw tooLong();
}

interface Check {
  readonly sequence: string;
  readonly maxLength: number;
  readonly find: FindComponent;
}

/** Stops as soon as the count is too large, so nested sequences cost no more than that. */
async function countActions(check: Check, components: readonly EntityRef[]): Promise<number> {
  if (components.length > check.maxLength) throw tooLong();
  let count = 0;
  for (const ref of components) {
    if (fullNameOf(ref) === check.sequence) throw cyclic();
    const action = await check.find(ref);
    if (fullNameOf(action.ref) === check.sequence) throw cyclic();
    count += isSequence(action.exec)
      ? await countActions(
          check,
          action.exec.components.map((name) => parseFullName(name, action.ref.namespace)),
        )
      : 1;
    if (count > check.maxLength) throw tooLong();
  }
  return count;
}

function tooLong() {
  return invalid('Too many actions in the sequence.');
}

function cyclic() {
  return invalid('Sequence may not refer to itself.');
}

/** The text is OpenWhisk's, which does not include the name. */
export function missingComponent(ref: EntityRef) {
  return functionFault('SEQUENCE_INVALID', 'Sequence component does not exist.', {
    details: { missing: `/${fullNameOf(ref)}` },
  });
}

function invalid(text: string) {
  return functionFault('SEQUENCE_INVALID', text);
}
