/**
 * Actions of `/whisk.system` that are Ward itself: they run in its own process, because they change its state (event
 * sources, the API gateway). To callers they look like actions of a shared package.
 */
import type { JsonObject } from '../lib/index.ts';
import type { KeyValue } from './entities/key-values.ts';
import type { Identity } from './namespaces/namespaces.ts';

export interface BuiltinContext {
  /** Whose call it is. */
  readonly identity: Identity;
  /** The caller's `Authorization` header. */
  readonly authorization: string | undefined;
  readonly transactionId: string;
}

export interface BuiltinAction {
  /** `package/name` in `/whisk.system`. */
  readonly path: string;
  readonly annotations: readonly KeyValue[];
  /** What is returned is the result; a Fault becomes the application error `{error: message}`. */
  run(args: JsonObject, context: BuiltinContext): Promise<JsonObject>;
}
