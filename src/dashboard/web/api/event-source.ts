/**
 * Server-sent events by `fetch`, because an `EventSource` can't send the header of the console. A lost connection heals by
 * itself, after pauses that grow.
 */

import { ApiError, send } from './client.ts';
import { count } from './live.ts';

interface Follow {
  readonly path: string;
  /** @returns true: this was the last one, and nothing is to be asked again */
  readonly onEvent: (event: string, data: unknown) => boolean;
}

const shortestPauseMs = 1000;
const longestPauseMs = 30_000;

/** @returns ends it */
export function follow({ path, onEvent }: Follow): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  const run = async () => {
    for (let pauseMs = shortestPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const isLost = await once(path, signal, (event, data) => {
        pauseMs = shortestPauseMs / 2;
        return onEvent(event, data);
      });
      if (isLost === undefined) return;
      const healed = isLost ? count('broken') : undefined;
      await pause(pauseMs, signal);
      healed?.();
    }
  };
  void run();
  return () => gone.abort();
}

/** @returns undefined: it is complete, or nobody may read it; else whether the connection was lost */
async function once(
  path: string,
  signal: AbortSignal,
  onEvent: Follow['onEvent'],
): Promise<boolean | undefined> {
  let closed: (() => void) | undefined;
  try {
    const response = await send('GET', path, { accept: 'text/event-stream', signal });
    closed = count('open');
    for await (const [event, data] of eventsOf(response)) if (onEvent(event, data)) return undefined;
    return false;
  } catch (error) {
    if (signal.aborted) return undefined;
    const isRefused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    return isRefused && error.status !== 429 ? undefined : true;
  } finally {
    closed?.();
  }
}

async function* eventsOf({ body }: Response): AsyncGenerator<readonly [event: string, data: unknown]> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) yield [event, JSON.parse(data)];
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
