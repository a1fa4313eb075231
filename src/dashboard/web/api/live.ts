/** Whether what the page shows follows what happens. A page that follows a stream says so here. */
import { computed, signal } from '@preact/signals';
import { type ApiError, isReachable } from './client.ts';

/** Streams that are open now, those that broke, and those that Ward refuses for now. */
const streams = signal({ open: 0, broken: 0, refused: 0 });
/** Why Ward refuses streams for now: the first answer that said so. */
export const refusal = signal<ApiError | undefined>(undefined);

export const liveState = computed((): 'live' | 'still' | 'lost' | 'refused' => {
  const { open, broken, refused } = streams.value;
  if (!isReachable.value || broken > 0) return 'lost';
  if (refused > 0) return 'refused';
  return open > 0 ? 'live' : 'still';
});

/** How one stream does. `none`: there is no connection, and nobody misses it. */
export type StreamState =
  | { readonly is: 'none' | 'open' | 'broken' }
  | { readonly is: 'refused'; readonly error: ApiError };

/** @returns shows how one stream does, in place of what it showed before */
export function showStream(): (state: StreamState) => void {
  let takeBack: (() => void) | undefined;
  return (state) => {
    takeBack?.();
    if (state.is === 'none') takeBack = undefined;
    else takeBack = state.is === 'refused' ? refuse(state.error) : count(state.is);
  };
}

/** @returns a function that takes it back */
function count(what: 'open' | 'broken' | 'refused'): () => void {
  add(what, 1);
  return () => add(what, -1);
}

/** @returns a function that takes it back */
function refuse(error: ApiError): () => void {
  refusal.value ??= error;
  const takeBack = count('refused');
  return () => {
    takeBack();
    if (streams.peek().refused === 0) refusal.value = undefined;
  };
}

function add(what: 'open' | 'broken' | 'refused', change: number): void {
  streams.value = { ...streams.peek(), [what]: streams.peek()[what] + change };
}
