import type { JsonObject } from '../../lib/index.ts';

/** Why the logs of a namespace were not forwarded: one document each, which rooms above know, and keep short. */
export interface ForwardingErrorStore {
  get(namespace: string): Promise<JsonObject | undefined>;
  /**
   * Returns false if another server was faster, and changes nothing then. Rejects with STORE_NO_NAMESPACE.
   * @param expected what `get` has answered
   */
  replace(namespace: string, document: JsonObject, expected: JsonObject | undefined): Promise<boolean>;
}
