/** What can go wrong with log forwarding: with its settings, and at a destination. */
import { faultTable } from '../lib/index.ts';

export const forwardingFaults = {
  /** Settings that name no destination, or one that Ward can't reach that way. */
  DESTINATION_INVALID: 'invalid',
} as const;

export const forwardingFault = faultTable(forwardingFaults);

/** Why a destination took nothing. */
export class Refused extends Error {
  /** Another try with the same message is useless. */
  readonly isFinal: boolean;
  /** How long the destination wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(text: string, isFinal = false, retryAfterMs?: number) {
    super(text);
    this.isFinal = isFinal;
    this.retryAfterMs = retryAfterMs;
  }
}
