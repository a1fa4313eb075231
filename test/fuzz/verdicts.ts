/** What code that reads hostile input may do: give an answer, or refuse with a fault that blames the input. */
import { isFault, messageOf } from '../../src/lib/index.ts';

/** Kinds that blame Ward or its host: no input may lead to them. */
const own = new Set(['bug', 'host']);

/** @throws what `work` threw, unless it is a fault that blames the input */
export async function refusesOrAnswers(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFault(error)) throw error;
    if (own.has(error.kind)) throw new Error(`${error.code}: ${messageOf(error)}`, { cause: error });
  }
}
