/**
 * Jobs of an invoker behind frames: one end for its dispatcher, one end for the invoker, and bytes between them. For
 * tests only: each end trusts the heads of the other, and each job has one attempt.
 */
import { Fault, faultKinds, isFault, type JsonObject, messageOf } from '../lib/index.ts';
import { type InvokerAbilities, requireAble } from './abilities.ts';
import { type ActivationLog, isLongLog, packLines } from './activation-log.ts';
import type { MessageType } from './frames.ts';
import { LiveLog, type LogPiece } from './live-log.ts';
import { encodeMessage, type Message, MessageReader } from './messages.ts';
import type { Completion, Dispatcher, Handover, Job, JobEnd, KeptAction, LoadGrant } from './types.ts';

export type Jobs = Pick<Dispatcher, 'run' | 'cancel' | 'follow' | 'checkTarget' | 'kept' | 'grant'>;

/** What an invoker reports to a dispatcher. */
interface Facts {
  readonly abilities: InvokerAbilities;
  readonly kept: readonly KeptAction[];
}

/** The activation id of messages that belong to no activation. */
const noActivation = '0'.repeat(32);

export interface ByteChannel {
  write(bytes: Buffer): void;
  /** Set by the user of this end. */
  onBytes: (bytes: Buffer) => void;
}

/** Two connected ends. What one writes arrives at the other later, cut differently. */
export function channelPair(): [ByteChannel, ByteChannel] {
  const ends: [ByteChannel, ByteChannel] = [channelTo(() => ends[1]), channelTo(() => ends[0])];
  return ends;
}

/** Serves the invoker's end. */
export function serveFrames(
  jobs: Jobs & { abilities(): Promise<InvokerAbilities> },
  channel: ByteChannel,
): void {
  const reader = new MessageReader();
  /** Pending questions whether to begin, by activation. */
  const asked = new Map<string, (mayBegin: boolean) => void>();
  const follow = followServer(jobs, channel);
  /** Sends what the invoker can run and keeps ready: at the start, and whenever that may have changed. */
  const sendFacts = async () => {
    const facts: Facts = { abilities: await jobs.abilities(), kept: jobs.kept() };
    sender(channel, noActivation)('facts', {}, JSON.stringify(facts));
  };
  void sendFacts();
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
      const { completion, log } = await running;
      const { result: _result, json, utf8, ...rest } = completion;
      send('res', plain(rest), utf8 ?? json);
      await sendFacts();
      send('log', ...logContent(await log));
    } catch (error) {
      send('nack', nackHead(error));
    }
  };
  channel.onBytes = (bytes) => {
    for (const message of reader.read(bytes)) {
      const { type, activationId, head, tail } = message;
      if (type === 'run') void run(message);
      else if (type === 'acc') asked.get(activationId)?.(head['mayBegin'] === true);
      else if (type === 'grant') jobs.grant(JSON.parse(String(tail)) as LoadGrant[], Number(head['forMs']));
      else if (type === 'cancel') jobs.cancel(activationId);
      else if (type === 'follow') void follow(message);
    }
  };
}

/**
 * Each `follow` is credit for one piece; the invoker's end answers with a `line` message when it has one. So at most
 * one piece of a log is on the wire. Other lines wait, within bounds, at the invoker's end.
 */
function followServer(jobs: Jobs, channel: ByteChannel): (message: Message) => Promise<void> {
  const followed = new Map<unknown, AsyncIterator<LogPiece>>();
  return async ({ activationId, head }) => {
    const { follower = null, hasLeft } = head;
    if (hasLeft === true) return void followed.get(follower)?.return?.();
    const log = followed.get(follower) ?? jobs.follow(activationId)?.[Symbol.asyncIterator]();
    if (log !== undefined) followed.set(follower, log);
    const piece = await log?.next();
    const send = sender(channel, activationId);
    if (piece === undefined || piece.done === true) {
      followed.delete(follower);
      send('end', { follower });
    } else send('line', { follower, skipped: piece.value.skipped }, JSON.stringify(piece.value.lines));
  };
}

interface OpenJob {
  readonly handover: Handover | undefined;
  readonly end: PromiseWithResolvers<JobEnd>;
  readonly log: PromiseWithResolvers<ActivationLog>;
  /** The fault with which the handover refused the job. */
  refusal?: unknown;
}

/** Serves the dispatcher's end. When the stream is lost, all open jobs fail with its fault. */
export function framedJobs(channel: ByteChannel): Jobs {
  const reader = new MessageReader();
  const open = new Map<string, OpenJob>();
  const followers = new Map<unknown, LiveLog>();
  let lastFollower = 0;
  let kept: readonly KeptAction[] = [];
  const abilities = Promise.withResolvers<InvokerAbilities>();
  const receiveFacts = ({ tail }: Message) => {
    const facts = JSON.parse(tail.toString()) as Facts;
    kept = facts.kept;
    abilities.resolve(facts.abilities);
  };
  channel.onBytes = (bytes) => {
    try {
      for (const message of reader.read(bytes)) {
        const job = open.get(message.activationId);
        const log = followers.get(message.head['follower']);
        if (message.type === 'facts') receiveFacts(message);
        else if (log) receiveLog(log, message);
        else if (job) receive(job, message);
      }
    } catch (error) {
      for (const { end, log } of open.values()) {
        end.reject(error);
        log.resolve([]);
      }
      open.clear();
      for (const log of followers.values()) log.end();
      followers.clear();
    }
  };
  const receiveLog = (log: LiveLog, { type, head: { follower, skipped }, tail }: Message) => {
    if (type === 'line') {
      log.skip(Number(skipped));
      for (const line of JSON.parse(tail.toString())) log.add(line);
    } else if (type === 'end') {
      log.end();
      followers.delete(follower);
    }
  };
  const receive = (job: OpenJob, { type, activationId, head, tail }: Message) => {
    if (type === 'acc') void begin(job, sender(channel, activationId));
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
      open.set(job.activationId, { handover, end, log });
      return end.promise;
    },
    cancel: (activationId) => sender(channel, activationId)('cancel', {}),
    follow(activationId, signal) {
      if (!open.has(activationId)) return undefined;
      const send = sender(channel, activationId);
      const follower = ++lastFollower;
      const leave = () => {
        followers.delete(follower);
        send('follow', { follower, hasLeft: true });
      };
      const log = new LiveLog(leave, signal);
      followers.set(follower, log);
      send('follow', { follower });
      return giveCredit(log, () => send('follow', { follower }));
    },
    async checkTarget(target) {
      requireAble(target, await abilities.promise);
    },
    kept: () => kept,
    grant: (grants, forMs) => sender(channel, noActivation)('grant', { forMs }, JSON.stringify(grants)),
  };
}

/** Grants room for the next piece once one has been read. */
async function* giveCredit(log: LiveLog, grant: () => void): AsyncGenerator<LogPiece> {
  for await (const piece of log) {
    grant();
    yield piece;
  }
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

/** The value as the other side sees it: without undefined fields. */
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
