/** Handles the messages of a scan process about one job. */
import type { Readable } from 'node:stream';
import { errorOf } from '../../lib/index.ts';
import type { FromJob, PieceAnswer } from './messages.ts';

/** A layer is read at most twice. */
const mostOpened = 2;

/**
 * Gives the job the bytes that it requests, until it ends. If reading them fails here, the job fails with that error.
 * @param say sends an answer, and resolves when there is room for more
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
  /** A job makes one request at a time, and none after the end. */
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
  /** @throws Error for a message that no intact scan process sends */
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
