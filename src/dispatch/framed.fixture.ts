/**
 * Jobs of an invoker behind frames: an end for its dispatcher, an end for the invoker, and bytes between them. For tests: each
 * end believes what the other has in its heads, and there is one attempt of each job.
 */
import { Fault, faultKinds, isFault, type JsonObject, messageOf } from '../lib/index.ts';
import { type ActivationLog, isLongLog, packLines } from './activation-log.ts';
import type { MessageType } from './frames.ts';
import { encodeMessage, type Message, MessageReader } from './messages.ts';
import type { Completion, Dispatcher, Handover, Job, JobEnd } from './types.ts';

export type Jobs = Pick<Dispatcher, 'run' | 'cancel' | 'follow'>;

export interface ByteChannel {
  write(bytes: Buffer): void;
  /** Set by the one at this end. */
  onBytes: (bytes: Buffer) => void;
}

/** What one end writes the other gets, later and in other pieces. */
export function channelPair(): [ByteChannel, ByteChannel] {
  const ends: [ByteChannel, ByteChannel] = [channelTo(() => ends[1]), channelTo(() => ends[0])];
  return ends;
}

/** The invoker's end. */
export function serveFrames(jobs: Jobs, channel: ByteChannel): void {
  const reader = new MessageReader();
  /** Answers that are waited for, by activation. */
  const asked = new Map<string, (mayBegin: boolean) => void>();
  const run = async ({ activationId, head, tail }: Message) => {
    const send = sender(channel, activationId);
    const handover: Handover = {
      begin: () =>
        new Promise((resolve) => {
          asked.set(activationId, resolve);
          send('acc', {});
        }),
    };
    try {
      const job = {
        ...(head['job'] as JsonObject),
        parameters: JSON.parse(tail.toString()),
      } as unknown as Job;
      const running = jobs.run(job, head['isAsked'] === true ? handover : undefined);
      using _ = jobs.follow(activationId, (line) => send('line', {}, line));
      const { completion, log } = await running;
      const { result: _result, json, utf8, ...rest } = completion;
      send('res', plain(rest), utf8 ?? json);
      send('log', ...logContent(await log));
    } catch (error) {
      send('nack', nackHead(error));
    }
  };
  channel.onBytes = (bytes) => {
    for (const message of reader.read(bytes)) {
      const { type, activationId, head } = message;
      if (type === 'run') void run(message);
      else if (type === 'acc') asked.get(activationId)?.(head['mayBegin'] === true);
      else if (type === 'cancel') jobs.cancel(activationId);
    }
  };
}

interface OpenJob {
  readonly handover: Handover | undefined;
  readonly end: PromiseWithResolvers<JobEnd>;
  readonly log: PromiseWithResolvers<ActivationLog>;
  readonly lines: string[];
  readonly followers: Set<(line: string) => void>;
  /** What asking whose job it is came to. */
  refusal?: unknown;
}

/** The dispatcher's end. What is under way when its stream is lost fails with the fault of that. */
export function framedJobs(channel: ByteChannel): Jobs {
  const reader = new MessageReader();
  const open = new Map<string, OpenJob>();
  channel.onBytes = (bytes) => {
    try {
      for (const message of reader.read(bytes)) {
        const job = open.get(message.activationId);
        if (job) hear(job, message);
      }
    } catch (error) {
      for (const { end, log } of open.values()) {
        end.reject(error);
        log.resolve([]);
      }
      open.clear();
    }
  };
  const hear = (job: OpenJob, { type, activationId, head, tail }: Message) => {
    if (type === 'acc') void begin(job, sender(channel, activationId));
    if (type === 'line') {
      const line = tail.toString();
      job.lines.push(line);
      for (const onLine of job.followers) onLine(line);
    }
    if (type === 'res') {
      const json = tail.toString();
      const completion = { ...head, json, result: JSON.parse(json) } as unknown as Completion;
      job.end.resolve({ completion, log: job.log.promise });
    }
    if (type === 'log') job.log.resolve(logOf(head, tail));
    if (type === 'nack') job.end.reject(job.refusal ?? faultOf(head));
    if (type === 'log' || type === 'nack') open.delete(activationId);
  };
  return {
    run(job, handover) {
      const { parameters, ...rest } = job;
      const head = { job: plain(rest), isAsked: handover !== undefined };
      sender(channel, job.activationId)('run', head, JSON.stringify(parameters));
      const [end, log] = [Promise.withResolvers<JobEnd>(), Promise.withResolvers<ActivationLog>()];
      open.set(job.activationId, { handover, end, log, lines: [], followers: new Set() });
      return end.promise;
    },
    cancel: (activationId) => sender(channel, activationId)('cancel', {}),
    follow(activationId, onLine) {
      const job = open.get(activationId);
      if (job === undefined) return undefined;
      for (const line of job.lines) onLine(line);
      job.followers.add(onLine);
      return { [Symbol.dispose]: () => void job.followers.delete(onLine) };
    },
  };
}

type Send = (type: MessageType, head: JsonObject, tail?: string | Buffer) => void;

function sender(channel: ByteChannel, activationId: string): Send {
  return (type, head, tail = '') => {
    const message = { type, activationId, attempt: 1, head, tail: Buffer.from(tail) };
    for (const frame of encodeMessage(message)) channel.write(frame);
  };
}

async function begin(job: OpenJob, send: Send): Promise<void> {
  let mayBegin = false;
  try {
    mayBegin = (await job.handover?.begin()) ?? false;
  } catch (error) {
    job.refusal = error;
  }
  send('acc', { mayBegin });
}

function logContent(log: ActivationLog): [JsonObject, Buffer] {
  const parts = isLongLog(log) ? log.parts : [log];
  const packed = parts.map((part) => (Buffer.isBuffer(part) ? part : packLines(part as readonly string[])));
  return [{ isLong: isLongLog(log) }, Buffer.concat(packed)];
}

function logOf(head: JsonObject, tail: Buffer): ActivationLog {
  if (head['isLong'] === true) return { parts: [Buffer.from(tail)] };
  return JSON.parse(`[${tail.toString().slice(0, -1)}]`);
}

function nackHead(error: unknown): JsonObject {
  if (!isFault(error)) return { code: 'UNKNOWN', kind: 'bug', message: messageOf(error) };
  const { code, kind, message, hint, retryAfterMs } = error;
  return { code, kind, message, hint, retryAfterMs };
}

function faultOf({ code, kind, message, hint, retryAfterMs }: JsonObject): Fault {
  const known = faultKinds.find((each) => each === kind) ?? 'bug';
  return new Fault(String(code), known, String(message), {
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  });
}

/** As it is on the other side: without what is undefined. */
function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value));
}

function channelTo(other: () => ByteChannel): ByteChannel {
  let waiting: Buffer[] = [];
  const deliver = () => {
    let rest = Buffer.concat(waiting);
    waiting = [];
    for (let n = 0; rest.length > 0; n++) {
      const size = [1, 40, 3, 5000, 100_000][n % 5] ?? 1;
      other().onBytes(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
  return {
    write(bytes) {
      if (waiting.push(bytes) === 1) setImmediate(deliver);
    },
    onBytes: () => {},
  };
}
