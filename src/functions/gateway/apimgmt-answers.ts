/** Answers of the API manager: an HTTP answer over the web, otherwise a plain result. */
import { callerTextOf, Fault, isFault, type JsonObject } from '../../lib/index.ts';

const headers = { 'Content-Type': 'application/json' };

/** @throws errors that are not the caller's fault */
export async function answerWith(
  args: JsonObject,
  transactionId: string,
  work: () => Promise<JsonObject>,
): Promise<JsonObject> {
  const isWeb = args['__ow_method'] !== undefined;
  try {
    const body = await work();
    return isWeb ? { statusCode: 200, headers, body } : body;
  } catch (error) {
    if (!isCallers(error)) throw error;
    if (!isWeb) return { error: callerTextOf(error) };
    const isDenied = error.kind === 'denied';
    const body = { error: callerTextOf(error), ...(isDenied ? { code: transactionId } : {}) };
    return { error: { statusCode: isDenied ? 403 : 502, headers, body } };
  }
}

/** Prefixes error messages with what failed. */
export async function prefixed<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCallers(error)) throw error;
    throw new Fault(error.code, error.kind, `${prefix}${error.message}`, { cause: error });
  }
}

function isCallers(error: unknown): error is Fault {
  return isFault(error) && error.kind !== 'host' && error.kind !== 'bug';
}
