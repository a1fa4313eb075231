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

/** @returns a function that takes it back */
export function count(what: 'open' | 'broken' | 'refused'): () => void {
  add(what, 1);
  let isCounted = true;
  return () => {
    if (isCounted) add(what, -1);
    isCounted = false;
  };
}

/** @returns a function that takes it back */
export function refuse(error: ApiError): () => void {
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
