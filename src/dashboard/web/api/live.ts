/** Whether what the page shows follows what happens. A page that follows a stream says so here. */
import { computed, signal } from '@preact/signals';
import { isReachable } from './client.ts';

/** Streams that are open now, and those that broke. */
const streams = signal({ open: 0, broken: 0 });

export const liveState = computed((): 'live' | 'still' | 'lost' => {
  const { open, broken } = streams.value;
  if (!isReachable.value || broken > 0) return 'lost';
  return open > 0 ? 'live' : 'still';
});

/** @returns a function that takes it back */
export function count(what: 'open' | 'broken'): () => void {
  add(what, 1);
  let isCounted = true;
  return () => {
    if (isCounted) add(what, -1);
    isCounted = false;
  };
}

function add(what: 'open' | 'broken', change: number): void {
  streams.value = { ...streams.peek(), [what]: streams.peek()[what] + change };
}
