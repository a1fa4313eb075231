/** What is said about one job, as the process hears and answers it that asked for it. */
import type { Readable } from 'node:stream';
import { errorOf } from '../../lib/index.ts';
import type { FromJob, PieceAnswer } from './messages.ts';

/** A layer is read twice at most. */
const mostOpened = 2;

/**
 * Hands the job the bytes that it asks for, until it ends. The job fails with the error that occurs here.
 * @param say resolves when there is room for more
 */
export function converse(
  open: () => Promise<Readable>,
  say: (answer: PieceAnswer, bytes?: Uint8Array) => Promise<void>,
) {
  const { promise: result, resolve, reject } = Promise.withResolvers<unknown>();
  let source: Readable | undefined;
  let pieces: AsyncIterator<Uint8Array> | undefined;
  let failure: unknown;
  let opened = 0;
  /** It asks for one thing at a time, and for nothing after the end. */
  let isAnswering = false;
  const answer = async (wish: 'open' | 'more'): Promise<void> => {
    try {
      if (wish === 'open') {
        source?.destroy();
        source = await open();
        pieces = source[Symbol.asyncIterator]();
        return await say({ say: 'opened' });
      }
      const next = await pieces?.next();
      if (next !== undefined && !next.done) return await say({ say: 'piece' }, next.value);
      pieces = undefined;
      await say({ say: 'end' });
    } catch (error) {
      failure ??= error;
      pieces = undefined;
      await say({ say: 'broken' });
    }
  };
  const end = (): void => void source?.destroy();
  /** @throws Error for a message that no process which reads a layer sends */
  const hear = (message: FromJob): void => {
    if (message.say === 'done') resolve(message.result);
    else if (message.say === 'failed') reject(failure ?? errorOf(message.failure));
    else if (message.say === 'close') end();
    else {
      if (message.say === 'open') opened++;
      const isFitting = message.say === 'open' ? opened <= mostOpened : pieces !== undefined;
      if (isAnswering || !isFitting) throw new Error(`it asks to ${message.say} at the wrong time`);
      isAnswering = true;
      void answer(message.say).finally(() => {
        isAnswering = false;
      });
    }
  };
  return { result, hear, end };
}
