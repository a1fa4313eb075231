/** Code that reads hostile input must return a result, or refuse with a fault that blames the input. */
import { isFault, messageOf } from '../../src/lib/index.ts';

/** Kinds of faults that blame Ward or its host: no input may cause them. */
const own = new Set(['bug', 'host']);

/** @throws what `work` throws, unless it is a fault that blames the input */
export async function refusesOrAnswers(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFault(error)) throw error;
    if (own.has(error.kind)) throw new Error(`${error.code}: ${messageOf(error)}`, { cause: error });
  }
}
