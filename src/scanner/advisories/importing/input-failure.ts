/** The failure of one input, which makes the whole import fail. */
import type { Fault } from '../../../lib/index.ts';

export class InputFailure extends Error {
  readonly source: string;
  readonly fault: Fault;

  constructor(source: string, fault: Fault) {
    super(fault.message, { cause: fault });
    this.source = source;
    this.fault = fault;
  }
}
