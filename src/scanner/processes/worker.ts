/** The scan process's side: runs one job after the other for the process at the other end of the stream. */
import type { Socket } from 'node:net';
import { errnoOf, failureOf } from '../../lib/index.ts';
import type { Analysers } from '../collect/collector.ts';
import { scannerFault } from '../faults.ts';
import type { LayerBytes } from '../layers/read-layer.ts';
import type { ConfigInspector, InspectorSet } from '../types.ts';
import { openFilePieces, pieceBytes, rotatingRooms } from './file-pieces.ts';
import { type Frame, framesTo, readFrames } from './frames.ts';
import type { ScanJob } from './jobs.ts';
import {
  type FromJob,
  limitsFromProcess,
  limitsToProcess,
  type PieceAnswer,
  startSchema,
  type ToJob,
} from './messages.ts';
import { analysersWith, inspectConfig, readCode, readFolder, readLayer, revisionOf } from './reading.ts';

export { analysersWith, revisionOf } from './reading.ts';

/** Room for the message beside a piece. */
const wordsBytes = 1024;

interface Readers {
  readonly analysers: Analysers;
  readonly config: readonly ConfigInspector[];
}

interface Answered extends PieceAnswer {
  readonly bytes: Buffer;
}

/** The exchange about one job. Each request has one answer. */
interface Talk {
  say(message: FromJob): void;
  ask(wish: 'open' | 'more'): Promise<Answered>;
  hear(answer: Answered): void;
}

/**
 * Serves until the stream ends, which ends the process.
 * @param open opens the stream and passes its pieces on, whose memory may be reused
 */
export async function serve(open: (hear: (piece: Buffer) => void) => Socket): Promise<void> {
  const end = (): never => process.exit();
  const first = Promise.withResolvers<unknown>();
  let hear = ({ message }: Frame): void => first.resolve(message);
  const stream = open(readFrames(limitsToProcess, (frame) => hear(frame), end, roomForPieces()));
  stream.on('error', end).on('close', end).on('end', end);
  const { send } = framesTo(stream);
  const { module, data } = startSchema.parse(await first.promise);
  const { inspectorsFor }: { inspectorsFor(data: unknown): InspectorSet } = await import(module);
  const { files, config } = inspectorsFor(data);
  const readers: Readers = { analysers: analysersWith(files), config };
  const talks = new Map<number, Talk>();
  hear = ({ message, bytes }) => {
    // The message comes from the process that started this one, so it can be trusted.
    const told = message as ToJob;
    if (told.say !== 'start') return talks.get(told.job)?.hear({ say: told.say, bytes });
    const talk = openTalk(told.job, (about) => void send(about));
    talks.set(told.job, talk);
    run(told.asked, bytes, readers, talk)
      .then(
        (result) => talk.say(sayable({ say: 'done', result })),
        (error: unknown) => talk.say({ say: 'failed', failure: failureOf(error) }),
      )
      .finally(() => talks.delete(told.job));
  };
  void send({ revision: revisionOf(readers.analysers, config) });
}

/** Takes no signal: to abort a job, the caller ends the process. */
async function run(
  job: ScanJob,
  bytes: Buffer,
  { analysers, config }: Readers,
  talk: Talk,
): Promise<unknown> {
  const { signal } = new AbortController();
  switch (job.what) {
    case 'layer': {
      const { digest, file, isVerified } = job;
      return readLayer({ digest, open: async () => openLayer(file, talk), isVerified }, analysers, signal);
    }
    case 'folder':
      return readFolder(job.dir, analysers, signal);
    case 'code':
      return readCode(bytes, job.kind, analysers, signal);
    case 'config':
      return inspectConfig(job.config, config);
  }
}

/** Opens the file, or lets the other process read it if this one lacks the right. */
async function openLayer(file: string | undefined, talk: Talk) {
  if (file === undefined) return openThere(talk);
  try {
    return openFilePieces(file);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return openThere(talk);
  }
}

/** Replaces a message that is too long by a failure. */
function sayable(message: FromJob): FromJob {
  const { maxMessageBytes } = limitsFromProcess;
  if (Buffer.byteLength(JSON.stringify(message)) < maxMessageBytes - 1000) return message;
  const error = scannerFault('SCAN_FAILED', 'the result of the scan is too long');
  return { say: 'failed', failure: failureOf(error) };
}

function openTalk(job: number, send: (about: object) => void): Talk {
  const waiting: ((answer: Answered) => void)[] = [];
  const say = (message: FromJob): void => send({ job, ...message });
  return {
    say,
    ask: (wish) => {
      say({ say: wish });
      return new Promise((resolve) => waiting.push(resolve));
    },
    hear: (answer) => waiting.shift()?.(answer),
  };
}

/** Requests the bytes from the other process. */
async function openThere(talk: Talk): Promise<LayerBytes> {
  const { say } = await talk.ask('open');
  if (say !== 'opened') throw new Error('it could not be opened');
  return { destroy: () => talk.say({ say: 'close' }), [Symbol.asyncIterator]: () => pieces(talk) };
}

async function* pieces(talk: Talk): AsyncGenerator<Buffer> {
  for (;;) {
    const { say, bytes } = await talk.ask('more');
    if (say === 'broken') throw new Error('it could not be read to its end');
    if (say !== 'piece') return;
    yield bytes;
  }
}

/** Returns the same memory for pieces of a layer. Only one job runs at a time, so nothing else is overwritten. */
function roomForPieces(): (length: number) => Buffer {
  const next = rotatingRooms(pieceBytes + wordsBytes);
  return (length) => {
    const isShort = length < wordsBytes;
    const isPiece = !isShort && length <= pieceBytes + wordsBytes;
    return isPiece ? next().subarray(0, length) : Buffer.allocUnsafeSlow(length);
  };
}
