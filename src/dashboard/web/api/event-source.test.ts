import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { follow } from './event-source.ts';
import { liveState, refusal } from './live.ts';

let page: EventTarget & { visibilityState: string };
/** The connections so far, the last one last. */
let connections: { readonly signal: AbortSignal; readonly say: (text: string) => void }[];
/** Without an answer, as in a network that drops packets. */
let isDeaf: boolean;
/** In place of a stream. */
let refuses: (() => Response) | undefined;
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  vi.stubGlobal('window', new EventTarget());
  connections = [];
  isDeaf = false;
  refuses = undefined;
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
    if (!isDeaf) resolve(refuses?.() ?? new Response(body));
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
    onEvent(...event) {
      events.push(event);
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
  connections[2]?.say('event: total\ndata: 7\n\nid: 12\nevent: log\ndata: "id: 3"\n\n');
  await passes(0);
  expect(events).toEqual([
    ['total', 7, undefined],
    ['log', 'id: 3', 12],
  ]);
});

test('after a sleep it connects anew when the network is back', async () => {
  end = follow({ path: '/stream', onEvent: () => false });
  await passes(0);
  // Timers stand still meanwhile.
  vi.setSystemTime(Date.now() + 3_600_000);
  window.dispatchEvent(new Event('online'));
  expect(connections[0]?.signal.aborted).toBe(true);
  await passes(0);
  expect(liveState.value).toBe('lost');
  // Nor does it wait for the end of a pause.
  window.dispatchEvent(new Event('online'));
  await passes(0);
  expect([connections.length, liveState.value]).toEqual([2, 'live']);
});

test('a page that nobody sees has no connection, and has one as soon as it is seen', async () => {
  const show = async (visibility: string) => {
    page.visibilityState = visibility;
    page.dispatchEvent(new Event('visibilitychange'));
    await passes(0);
  };
  page.visibilityState = 'hidden';
  const events: string[] = [];
  end = follow({
    path: '/stream',
    onEvent(event) {
      events.push(event);
      return event === 'end';
    },
  });
  await passes(60_000);
  expect([connections.length, liveState.value]).toEqual([0, 'still']);
  await show('visible');
  expect([connections.length, liveState.value]).toEqual([1, 'live']);
  await show('hidden');
  await passes(60_000);
  expect(connections.map(({ signal }) => signal.aborted)).toEqual([true]);
  // A connection that is lost is none to heal, either.
  isDeaf = true;
  await show('visible');
  await passes(50_000);
  expect(liveState.value).toBe('lost');
  await show('hidden');
  expect([connections.length, liveState.value]).toEqual([2, 'still']);
  isDeaf = false;
  await show('visible');
  expect([connections.length, liveState.value]).toEqual([3, 'live']);
  connections[2]?.say('event: total\ndata: 7\n\nevent: end\ndata: null\n\n');
  await passes(0);
  expect(events).toEqual(['total', 'end']);
  // It was the last event, so nothing is asked again.
  await show('hidden');
  await show('visible');
  expect([connections.length, liveState.value]).toEqual([3, 'still']);
});

test('a stream that Ward refuses for now is not lost: the page says why, and asks again when it may', async () => {
  const answer = { error: 'The namespace has 100 event streams open.', hint: 'Close some.' };
  const headers = { 'x-ward-fault': 'STREAMS_EXCEEDED', 'retry-after': '5' };
  refuses = () => new Response(JSON.stringify(answer), { status: 429, headers });
  end = follow({ path: '/stream', onEvent: () => false });
  await passes(0);
  expect(liveState.value).toBe('refused');
  const said = refusal.value;
  expect(said).toMatchObject({ message: answer.error, hint: answer.hint, code: 'STREAMS_EXCEEDED' });
  window.dispatchEvent(new Event('online'));
  await passes(4_900);
  expect(connections.length).toBe(1);
  await passes(200);
  // It says so once.
  expect([connections.length, refusal.value === said]).toEqual([2, true]);
  isDeaf = true;
  await passes(60_000);
  expect([liveState.value, refusal.value]).toEqual(['lost', undefined]);
  isDeaf = false;
  await passes(60_000);
  expect([liveState.value, refusal.value?.code]).toEqual(['refused', 'STREAMS_EXCEEDED']);
  refuses = undefined;
  await passes(30_000);
  expect([liveState.value, refusal.value]).toEqual(['live', undefined]);
});

test('a page that is left takes back what it said of a refusal', async () => {
  refuses = () => new Response('{}', { status: 503, headers: { 'retry-after': '1' } });
  end = follow({ path: '/stream', onEvent: () => false });
  await passes(0);
  expect(liveState.value).toBe('refused');
  end();
  await passes(0);
  expect([liveState.value, refusal.value]).toEqual(['still', undefined]);
});
