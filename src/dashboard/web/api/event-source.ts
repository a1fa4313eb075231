/**
 * Server-sent events by `fetch`, because an `EventSource` can't send the header of the console. A lost connection heals by
 * itself, after pauses that grow. When Ward refuses a stream for now, the page says why, and asks again when Ward wants it to.
 *
 * There is no connection while nobody sees the page: over HTTP/1.1, a browser has six for all of its tabs. When it is seen again, the
 * first events of the new one say what there is.
 */

import { ApiError, send } from './client.ts';
import { count, refuse } from './live.ts';

interface Follow {
  readonly path: string;
  /**
   * @param id of the event. A new connection begins with events that an earlier one has brought.
   * @returns true: this was the last one, and nothing is to be asked again
   */
  readonly onEvent: (event: string, data: unknown, id: number | undefined) => boolean;
}

const shortestPauseMs = 1000;
const longestPauseMs = 30_000;
/** Three beats of the server. After that much silence there is no connection, though the browser may not know. */
const longestSilenceMs = 45_000;
const lookMs = 5000;

/** @returns ends it */
export function follow({ path, onEvent }: Follow): () => void {
  const gone = new AbortController();
  const run = async () => {
    while (!gone.signal.aborted) {
      await untilVisibility('visible', gone.signal);
      const over = new AbortController();
      const signal = AbortSignal.any([gone.signal, over.signal]);
      void untilVisibility('hidden', signal).then(() => over.abort());
      const isComplete = await followVisible({ path, onEvent }, signal);
      over.abort();
      if (isComplete) return;
    }
  };
  void run();
  return () => gone.abort();
}

/** @returns whether it is complete, or nobody may read it */
async function followVisible({ path, onEvent }: Follow, signal: AbortSignal): Promise<boolean> {
  let trouble: Exclude<Ending['is'], 'ended'> | undefined;
  let takeBack: (() => void) | undefined;
  const heal = () => {
    takeBack?.();
    takeBack = undefined;
    trouble = undefined;
  };
  for (let pauseMs = shortestPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const ending = await once(path, signal, heal, (event, data, id) => {
      pauseMs = shortestPauseMs / 2;
      return onEvent(event, data, id);
    });
    if (ending === undefined) {
      heal();
      return !signal.aborted;
    }
    if (ending.is !== 'ended' && ending.is !== trouble) {
      heal();
      trouble = ending.is;
      takeBack = ending.is === 'refused' ? refuse(ending.error) : count('broken');
    }
    if (ending.is === 'refused')
      await pause(Math.max(pauseMs, ending.error.retryAfterMs ?? 0), signal, false);
    else await pause(pauseMs, signal);
  }
  heal();
  return false;
}

type Ending = { readonly is: 'ended' | 'lost' } | { readonly is: 'refused'; readonly error: ApiError };

/** @returns undefined: it is complete, or nobody may read it */
async function once(
  path: string,
  signal: AbortSignal,
  onOpen: () => void,
  onEvent: Follow['onEvent'],
): Promise<Ending | undefined> {
  let closed: (() => void) | undefined;
  const connection = new AbortController();
  const silence = watchSilence(() => connection.abort());
  const until = AbortSignal.any([signal, connection.signal]);
  try {
    const response = await send('GET', path, { accept: 'text/event-stream', signal: until });
    onOpen();
    closed = count('open');
    for await (const [event, data, id] of eventsOf(response, silence.heard))
      if (onEvent(event, data, id)) return undefined;
    return { is: 'ended' };
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof ApiError)) return { is: 'lost' };
    const { status, retryAfterMs } = error;
    // Ward answers, and only has no room: the connection is not lost.
    if (status === 429 || retryAfterMs !== undefined) return { is: 'refused', error };
    return status >= 400 && status < 500 ? undefined : { is: 'lost' };
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

/** Calls when the network is back. @returns ends it */
function onWake(woken: () => void): () => void {
  window.addEventListener('online', woken);
  return () => window.removeEventListener('online', woken);
}

/** Also settles at the signal. */
function untilVisibility(wanted: DocumentVisibilityState, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState !== wanted && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

async function* eventsOf(
  { body }: Response,
  onHeard: () => void,
): AsyncGenerator<readonly [event: string, data: unknown, id: number | undefined]> {
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
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined)
        yield [event, JSON.parse(data), id === undefined ? undefined : Number(id)];
    }
  }
}

/** @param isEager it ends early when the network is back */
function pause(ms: number, signal: AbortSignal, isEager = true): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unwatch?.();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const unwatch = isEager ? onWake(done) : undefined;
    signal.addEventListener('abort', done);
  });
}
