import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { liveState, refusal } from './live.ts';
import { followTogether } from './shared-stream.ts';

/** The connections so far, the last one last. */
let connections: { readonly signal: AbortSignal; readonly say: (text: string) => void }[];
/** In place of a stream. */
let refuses: (() => Response) | undefined;
let windows: Window[];

interface Window {
  readonly heard: unknown[];
  readonly end: () => void;
}

beforeEach(() => {
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  vi.stubGlobal('window', new EventTarget());
  connections = [];
  windows = [];
  refuses = undefined;
  vi.stubGlobal('fetch', async (_: string, { signal }: { readonly signal: AbortSignal }) => {
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        const say = (text: string) => stream.enqueue(new TextEncoder().encode(text));
        connections.push({ signal, say });
        signal.addEventListener('abort', () => stream.error(signal.reason));
      },
    });
    return refuses?.() ?? new Response(body);
  });
});
afterEach(async () => {
  for (const { end } of windows) end();
  await expect.poll(async () => (await navigator.locks.query()).held).toEqual([]);
  vi.unstubAllGlobals();
});

function open(path = '/stream'): Window {
  const heard: unknown[] = [];
  const end = followTogether({ path, onEvent: (...event) => heard.push(event) });
  windows.push({ heard, end });
  return { heard, end };
}

const heardBy = (...which: readonly Window[]) => expect.poll(() => which.map(({ heard }) => heard));

test('windows share one connection, and one that comes late hears its first event', async () => {
  const first = open();
  await expect.poll(() => connections.length).toBe(1);
  connections[0]?.say('event: begin\ndata: 1\n\n');
  await heardBy(first).toEqual([[['begin', 1]]]);
  const second = open();
  await heardBy(second).toEqual([[['begin', 1]]]);
  connections[0]?.say('event: calls\ndata: 2\n\n');
  const both = [
    ['begin', 1],
    ['calls', 2],
  ];
  await heardBy(first, second).toEqual([both, both]);
  const late = open();
  await heardBy(first, second, late).toEqual([both, both, [['begin', 1]]]);
  const other = open('/other');
  await expect.poll(() => connections.length).toBe(2);
  connections[1]?.say('event: begin\ndata: 3\n\n');
  await heardBy(other, late).toEqual([[['begin', 3]], [['begin', 1]]]);
  expect(liveState.value).toBe('live');
});

test('an event that comes again is told as it was last', async () => {
  const first = open();
  await expect.poll(() => connections.length).toBe(1);
  connections[0]?.say('event: total\ndata: 7\n\nevent: total\ndata: 8\n\n');
  await expect.poll(() => first.heard.length).toBe(2);
  await heardBy(open()).toEqual([[['total', 8]]]);
});

test('when the window with the connection goes, another one connects', async () => {
  const first = open();
  await expect.poll(() => connections.length).toBe(1);
  const [second, third] = [open(), open()];
  first.end();
  await expect.poll(() => connections.length).toBe(2);
  expect(connections[0]?.signal.aborted).toBe(true);
  connections[1]?.say('event: total\ndata: 9\n\n');
  await heardBy(first, second, third).toEqual([[], [['total', 9]], [['total', 9]]]);
  second.end();
  await expect.poll(() => connections.length).toBe(3);
  third.end();
  await expect.poll(() => connections.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
  expect(liveState.value).toBe('still');
});

test('each window says why Ward refuses the stream, and that it goes on', async () => {
  const headers = { 'x-ward-fault': 'STREAMS_EXCEEDED', 'retry-after': '0' };
  refuses = () => new Response('{"error":"too many","hint":"Close some."}', { status: 429, headers });
  open();
  await expect.poll(() => liveState.value).toBe('refused');
  // Another window has all of this for itself.
  vi.resetModules();
  const [there, shown] = await Promise.all([import('./shared-stream.ts'), import('./live.ts')]);
  windows.push({ heard: [], end: there.followTogether({ path: '/stream', onEvent: () => undefined }) });
  await expect
    .poll(() => shown.refusal.value)
    .toMatchObject({
      ...{ name: 'ApiError', message: 'too many', hint: 'Close some.', code: 'STREAMS_EXCEEDED' },
    });
  expect(shown.liveState.value).toBe('refused');
  refuses = undefined;
  await expect.poll(() => shown.liveState.value, { timeout: 5000 }).toBe('live');
  expect([liveState.value, refusal.value, shown.refusal.value]).toEqual(['live', undefined, undefined]);
});
