/** Decides which traces are exported, and hands their activations to the thread that exports them. */
import type { TracedActivation, Tracing } from '../../functions/index.ts';
import { type Log, messageOf, startThread, withTimeout } from '../../lib/index.ts';
import type { ExporterData, ExporterReply, ExporterRequest } from './exporter.ts';

export interface TracingOptions extends ExporterData {
  /** The part of all traces that is exported. */
  readonly ratio: number;
  readonly log: Log;
}

const program = new URL('./exporter.ts', import.meta.url);
/** To wake the thread costs more than to export an activation. It exports every five seconds anyway. */
const collectMs = 1_000;
/** As many go to the thread without a pause. */
const atOnce = 512;
/** Activations that wait for the thread at most; further ones are not exported. */
const mostWaiting = 4_096;
/** How long the end of the server waits for the collector. */
const lastExportMs = 2_000;

export function openTracing({ ratio, log, ...data }: TracingOptions): Tracing & AsyncDisposable {
  const thread = startThread(program, 'ward-tracing', data);
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const post = (request: ExporterRequest) => thread.postMessage(request);
  let waiting: TracedActivation[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isThreadBusy = false;
  const postWaiting = () => {
    clearTimeout(timer);
    timer = undefined;
    if (isThreadBusy) return;
    isThreadBusy = true;
    post(waiting);
    waiting = [];
  };
  const postSoon = () => {
    if (waiting.length >= atOnce) postWaiting();
    else timer ??= setTimeout(postWaiting, collectMs).unref();
  };
  thread.on('message', (reply: ExporterReply) => {
    if (reply.type === 'failing') log.warn({ reason: reply.reason }, 'the collector takes no traces');
    else if (reply.type === 'working') log.info('the collector takes traces again');
    else {
      isThreadBusy = false;
      if (waiting.length > 0) postSoon();
    }
  });
  thread.on('error', (error) =>
    log.error({ reason: messageOf(error) }, 'Ward exports no more traces until its next start'),
  );
  return {
    isSampled: samplerOf(ratio),
    ended(activation) {
      if (waiting.length < mostWaiting) waiting.push(activation);
      postSoon();
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      post(waiting);
      post('close');
      await withTimeout(exited, lastExportMs, () => undefined);
      await thread.terminate();
    },
  };
}

/**
 * Decides by the last digits of a trace's id, which are random (W3C Trace Context Level 2, "Random trace-id"). Each call asks it:
 * the sampler of OpenTelemetry's SDK parses the id and takes more than ten times as long.
 */
export function samplerOf(ratio: number): Tracing['isSampled'] {
  const digits = 12;
  const all = 16 ** digits;
  if (ratio * all < 1) return () => false;
  const first = Math.round((1 - ratio) * all)
    .toString(16)
    .padStart(digits, '0');
  return (traceId) => traceId.slice(-digits) >= first;
}
