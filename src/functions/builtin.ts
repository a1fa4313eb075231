/**
 * Built-in actions of `/whisk.system`. They run in Ward's own process, because they change its state (event sources,
 * the API gateway). To callers they look like actions of a shared package.
 */
import type { JsonObject } from '../lib/index.ts';
import type { KeyValue } from './entities/key-values.ts';
import type { Identity } from './namespaces/namespaces.ts';

export interface BuiltinContext {
  /** The caller. */
  readonly identity: Identity;
  /** The caller's `Authorization` header. */
  readonly authorization: string | undefined;
  readonly transactionId: string;
}

export interface BuiltinAction {
  /** `package/name` in `/whisk.system`. */
  readonly path: string;
  readonly annotations: readonly KeyValue[];
  /** Returns the result. A Fault becomes the application error `{error: message}`. */
  run(args: JsonObject, context: BuiltinContext): Promise<JsonObject>;
  /** What its record keeps of the result, if that is not all: more keys may read records than get the answer. */
  recorded?(result: JsonObject): JsonObject;
}
