/**
 * Node hands out each piece of a request's body in a buffer of its own. To V8 these are a few small objects with much
 * memory elsewhere: it answers with full collections, tens of milliseconds each, though a minor one would free them in
 * less than one. So a minor one is asked for whenever some of them have come and gone.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const everyBytes = 8 * 1024 * 1024;
let since = 0;
let collect: unknown;

/** To be told of each buffer that is not needed any more. */
export function releaseShortLived(bytes: number): void {
  since += bytes;
  if (since < everyBytes) return;
  since = 0;
  collect ??= collector();
  if (typeof collect === 'function') collect({ type: 'minor' });
}

/** V8's own; a context that is made under this flag has it, and ours stays as it is. */
function collector(): unknown {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return found;
}
