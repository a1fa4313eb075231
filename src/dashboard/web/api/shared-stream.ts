/**
 * One connection for all windows of a browser that follow the same stream, because over HTTP/1.1 it has six for all of them.
 * The window that holds the lock of the stream is connected, and tells the others what it hears. When it goes or is seen no more,
 * the browser gives the lock to another window, whose connection begins with what there is. For streams that only say that
 * something is new: who comes late gets no earlier events but the first.
 */
import { ApiError } from './client.ts';
import { connect, whileSeen } from './event-source.ts';
import { type StreamState, showStream } from './live.ts';
import { prefix } from './prefix.ts';

type Event = readonly [event: string, data: unknown];

interface Shared {
  readonly path: string;
  readonly onEvent: (...event: Event) => void;
}

/** What windows tell each other. A window has an id for each stream. */
type Said =
  | { readonly is: 'new'; readonly window: string }
  | { readonly is: 'event'; readonly event: Event; readonly to?: string }
  | { readonly is: 'state'; readonly state: SentState };

/** An error crosses windows as its fields. */
type SentState =
  | Exclude<StreamState, { readonly is: 'refused' }>
  | { readonly is: 'refused'; readonly message: string; readonly about: Partial<ApiError> };

/** @returns ends it */
export function followTogether(shared: Shared): () => void {
  return whileSeen((signal) => takePart(shared, signal));
}

async function takePart({ path, onEvent }: Shared, signal: AbortSignal): Promise<boolean> {
  const name = `ward-stream ${prefix}${path}`;
  const me = crypto.randomUUID();
  const show = showStream();
  const channel = new BroadcastChannel(name);
  const say = (said: Said) => channel.postMessage(said);
  channel.onmessage = ({ data: said }: MessageEvent<Said>) => {
    if (said.is === 'state') show(received(said.state));
    if (said.is === 'event' && (said.to ?? me) === me) onEvent(...said.event);
  };
  say({ is: 'new', window: me });
  const lead = () => {
    let first: Event | undefined;
    let state: StreamState = { is: 'none' };
    channel.onmessage = ({ data: said }: MessageEvent<Said>) => {
      if (said.is !== 'new') return;
      say({ is: 'state', state: sent(state) });
      if (first !== undefined) say({ is: 'event', event: first, to: said.window });
    };
    const hear = (event: string, data: unknown) => {
      if (first === undefined || first[0] === event) first = [event, data];
      onEvent(event, data);
      say({ is: 'event', event: [event, data] });
      return false;
    };
    const change = (next: StreamState) => {
      // Those that go on have a connection soon, from another window.
      if (signal.aborted) return;
      state = next;
      show(state);
      say({ is: 'state', state: sent(state) });
    };
    return connect({ path, onEvent: hear }, change, signal);
  };
  try {
    return await navigator.locks.request(name, { signal }, lead);
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    show({ is: 'none' });
    channel.close();
  }
}

function sent(state: StreamState): SentState {
  if (state.is !== 'refused') return state;
  return { is: 'refused', message: state.error.message, about: { ...state.error } };
}

function received(state: SentState): StreamState {
  if (state.is !== 'refused') return state;
  return { is: 'refused', error: new ApiError(state.message, state.about) };
}
