import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { follow } from './event-source.ts';
import { liveState } from './live.ts';

let page: EventTarget & { visibilityState: string };
/** The connections so far, the last one last. */
let connections: { readonly signal: AbortSignal; readonly say: (text: string) => void }[];
/** Without an answer, as in a network that drops packets. */
let isDeaf: boolean;
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  vi.stubGlobal('window', new EventTarget());
  connections = [];
  isDeaf = false;
  vi.stubGlobal('fetch', (_: string, { signal }: { readonly signal: AbortSignal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        const say = (text: string) => stream.enqueue(new TextEncoder().encode(text));
        connections.push({ signal, say });
        signal.addEventListener('abort', () => {
          stream.error(signal.reason);
          reject(signal.reason);
        });
      },
    });
    if (!isDeaf) resolve(new Response(body));
    return promise;
  });
});
afterEach(async () => {
  end();
  await passes(0);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a connection without a beat for 45 seconds is lost, and is made anew', async () => {
  const events: unknown[] = [];
  end = follow({
    path: '/stream',
    onEvent(event, data) {
      events.push([event, data]);
      return false;
    },
  });
  await passes(0);
  for (let beats = 0; beats < 8; beats++) {
    connections[0]?.say(': \n\n');
    await passes(15_000);
  }
  expect([connections.length, liveState.value]).toEqual([1, 'live']);
  isDeaf = true;
  await passes(36_000);
  expect(connections[0]?.signal.aborted).toBe(true);
  expect([connections.length, liveState.value]).toEqual([2, 'lost']);
  isDeaf = false;
  // The second one got no answer at all.
  await passes(53_000);
  expect([connections.length, liveState.value]).toEqual([3, 'live']);
  connections[2]?.say('event: total\ndata: 7\n\n');
  await passes(0);
  expect(events).toEqual([['total', 7]]);
});

test('after a sleep it connects anew when the page is seen', async () => {
  end = follow({ path: '/stream', onEvent: () => false });
  await passes(0);
  // Timers stand still meanwhile.
  vi.setSystemTime(Date.now() + 3_600_000);
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  expect(connections[0]?.signal.aborted).toBe(false);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  expect(connections[0]?.signal.aborted).toBe(true);
  await passes(0);
  expect(liveState.value).toBe('lost');
  // Nor does it wait for the end of a pause.
  window.dispatchEvent(new Event('online'));
  await passes(0);
  expect([connections.length, liveState.value]).toEqual([2, 'live']);
});
