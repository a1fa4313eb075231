/** What is said about one job, as the process hears and answers it that asked for it. */
import type { Readable } from 'node:stream';
import { errorOf } from '../../lib/index.ts';
import type { Answer, FromJob } from './jobs.ts';

/** Hands the job the bytes that it asks for, until it ends. What fails here is what it then fails with. */
export function converse(open: () => Promise<Readable>, say: (answer: Answer) => void) {
  const { promise: result, resolve, reject } = Promise.withResolvers<unknown>();
  let source: Readable | undefined;
  let pieces: AsyncIterator<Uint8Array> | undefined;
  let failure: unknown;
  const answer = async (wish: 'open' | 'more'): Promise<Answer> => {
    try {
      if (wish === 'open') {
        source = await open();
        pieces = source[Symbol.asyncIterator]();
        return { say: 'opened' };
      }
      const next = await pieces?.next();
      return next === undefined || next.done ? { say: 'end' } : { say: 'piece', bytes: next.value };
    } catch (error) {
      failure ??= error;
      return { say: 'broken' };
    }
  };
  const end = (): void => void source?.destroy();
  const hear = (message: FromJob): void => {
    if (message.say === 'done') resolve(message.result);
    else if (message.say === 'failed') reject(failure ?? errorOf(message.failure));
    else if (message.say === 'close') end();
    else void answer(message.say).then(say);
  };
  return { result, hear, end };
}
