/**
 * Server-sent events by `fetch`, because an `EventSource` can't send the header of the console. A lost connection heals by
 * itself, after pauses that grow. When Ward refuses a stream for now, the page says why, and asks again when Ward wants it to.
 *
 * There is no connection while nobody sees the page: over HTTP/1.1, a browser has six for all of its tabs. When it is seen again, the
 * first events of the new one say what there is.
 */

import { ApiError, send } from './client.ts';
import { type StreamState, showStream } from './live.ts';

export interface Follow {
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
export function follow(stream: Follow): () => void {
  const show = showStream();
  return whileSeen((signal) => connect(stream, show, signal));
}

/**
 * Runs as long as the page is seen, and anew each time that it is seen again.
 * @param run ends at the signal. true: it is complete, and does not run again
 * @returns ends it
 */
export function whileSeen(run: (signal: AbortSignal) => Promise<boolean>): () => void {
  const gone = new AbortController();
  const go = async () => {
    while (!gone.signal.aborted) {
      await untilVisibility('visible', gone.signal);
      const over = new AbortController();
      const signal = AbortSignal.any([gone.signal, over.signal]);
      void untilVisibility('hidden', signal).then(() => over.abort());
      const isComplete = await run(signal);
      over.abort();
      if (isComplete) return;
    }
  };
  void go();
  return () => gone.abort();
}

/** @returns whether it is complete, or nobody may read it */
export async function connect(
  { path, onEvent }: Follow,
  show: (state: StreamState) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let shown: StreamState['is'] = 'none';
  const change = (state: StreamState) => {
    if (state.is !== shown) show(state);
    shown = state.is;
  };
  for (let pauseMs = shortestPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const ending = await once(path, signal, change, (event, data, id) => {
      pauseMs = shortestPauseMs / 2;
      return onEvent(event, data, id);
    });
    change(ending ?? { is: 'none' });
    if (ending === undefined) return !signal.aborted;
    if (ending.is === 'refused')
      await pause(Math.max(pauseMs, ending.error.retryAfterMs ?? 0), signal, false);
    else await pause(pauseMs, signal);
  }
  change({ is: 'none' });
  return false;
}

/** @returns how it ended. undefined: it is complete, or nobody may read it */
async function once(
  path: string,
  signal: AbortSignal,
  change: (state: StreamState) => void,
  onEvent: Follow['onEvent'],
): Promise<StreamState | undefined> {
  const connection = new AbortController();
  const silence = watchSilence(() => connection.abort());
  const until = AbortSignal.any([signal, connection.signal]);
  try {
    const response = await send('GET', path, { accept: 'text/event-stream', signal: until });
    change({ is: 'open' });
    for await (const [event, data, id] of eventsOf(response, silence.heard))
      if (onEvent(event, data, id)) return undefined;
    return { is: 'none' };
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof ApiError)) return { is: 'broken' };
    const { status, retryAfterMs } = error;
    // Ward answers, and only has no room: the connection is not lost.
    if (status === 429 || retryAfterMs !== undefined) return { is: 'refused', error };
    return status >= 400 && status < 500 ? undefined : { is: 'broken' };
  } finally {
    silence.end();
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
