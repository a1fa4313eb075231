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
/** Three beats of the server. After that much silence there is no connection, though the browser may not know. */
const longestSilenceMs = 45_000;
const lookMs = 5000;

/** @returns ends it */
export function follow({ path, onEvent }: Follow): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  const run = async () => {
    let healed: (() => void) | undefined;
    const onOpen = () => {
      healed?.();
      healed = undefined;
    };
    for (let pauseMs = shortestPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const isLost = await once(path, signal, onOpen, (event, data) => {
        pauseMs = shortestPauseMs / 2;
        return onEvent(event, data);
      });
      if (isLost === undefined) break;
      if (isLost) healed ??= count('broken');
      await pause(pauseMs, signal);
    }
    healed?.();
  };
  void run();
  return () => gone.abort();
}

/** @returns undefined: it is complete, or nobody may read it; else whether the connection was lost */
async function once(
  path: string,
  signal: AbortSignal,
  onOpen: () => void,
  onEvent: Follow['onEvent'],
): Promise<boolean | undefined> {
  let closed: (() => void) | undefined;
  const connection = new AbortController();
  const silence = watchSilence(() => connection.abort());
  const until = AbortSignal.any([signal, connection.signal]);
  try {
    const response = await send('GET', path, { accept: 'text/event-stream', signal: until });
    onOpen();
    closed = count('open');
    for await (const [event, data] of eventsOf(response, silence.heard))
      if (onEvent(event, data)) return undefined;
    return false;
  } catch (error) {
    if (signal.aborted) return undefined;
    const isRefused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    return isRefused && error.status !== 429 ? undefined : true;
  } finally {
    silence.end();
    closed?.();
    connection.abort();
  }
}

/** Tells when nothing was heard for too long. It compares times, because timers stop while a computer sleeps. */
function watchSilence(onSilence: () => void): { readonly heard: () => void; readonly end: () => void } {
  let heardAt = Date.now();
  const look = () => {
    if (Date.now() - heardAt > longestSilenceMs) onSilence();
  };
  const timer = setInterval(look, lookMs);
  const unwatch = onWake(look);
  return {
    heard() {
      heardAt = Date.now();
    },
    end() {
      clearInterval(timer);
      unwatch();
    },
  };
}

/** Calls when the page is seen again, or the network is back. @returns ends it */
function onWake(woken: () => void): () => void {
  const seen = () => {
    if (document.visibilityState === 'visible') woken();
  };
  document.addEventListener('visibilitychange', seen);
  window.addEventListener('online', woken);
  return () => {
    document.removeEventListener('visibilitychange', seen);
    window.removeEventListener('online', woken);
  };
}

async function* eventsOf(
  { body }: Response,
  onHeard: () => void,
): AsyncGenerator<readonly [event: string, data: unknown]> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onHeard();
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

/** Ends early when the page is seen again. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unwatch();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const unwatch = onWake(done);
    signal.addEventListener('abort', done);
  });
}
