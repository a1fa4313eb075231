/** The process that reads: one job after the other, for the one that started it. */
import { flushCompileCache } from 'node:module';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { failureOf } from '../../lib/index.ts';
import type { Analysers } from '../collect/collector.ts';
import type { ConfigInspector, InspectorSet } from '../types.ts';
import { openFilePieces } from './file-pieces.ts';
import type { About, Answer, FromJob, Job, Ready, ToJob } from './jobs.ts';
import { analysersWith, inspectConfig, readCode, readFolder, readLayer, revisionOf } from './reading.ts';

/** Large: each costs a turn of the event loop. */
const pieceBytes = 256 * 1024;

const startSchema = z.object({ module: z.string(), data: z.unknown().optional() });

interface Readers {
  readonly analysers: Analysers;
  readonly config: readonly ConfigInspector[];
}

/** Who asks for a piece waits for the one answer. */
interface Talk {
  say(message: FromJob): void;
  ask(wish: 'open' | 'more'): Promise<Answer>;
  hear(answer: Answer): void;
}

await serve(startSchema.parse(JSON.parse(process.argv[2] ?? '')));

async function serve({ module, data }: z.output<typeof startSchema>): Promise<void> {
  process.on('disconnect', () => process.exit());
  // It was named by the program itself, and has this one function.
  const { inspectorsFor }: { inspectorsFor(data: unknown): InspectorSet } = await import(module);
  const { files, config } = inspectorsFor(data);
  const readers: Readers = { analysers: analysersWith(files), config };
  const talks = new Map<number, Talk>();
  process.on('message', ({ job, message }: About<ToJob>) => {
    if (message.say !== 'start') return talks.get(job)?.hear(message);
    const talk = openTalk(job);
    talks.set(job, talk);
    run(message.job, readers, talk)
      .then(
        (result) => talk.say({ say: 'done', result }),
        (error: unknown) => talk.say({ say: 'failed', failure: failureOf(error) }),
      )
      .finally(() => talks.delete(job));
  });
  const ready: Ready = { revision: revisionOf(readers.analysers) };
  process.send?.(ready);
  // What ends the process leaves it no time to.
  flushCompileCache();
}

/** Who ends it early ends the process. */
async function run(job: Job, { analysers, config }: Readers, talk: Talk): Promise<unknown> {
  const { signal } = new AbortController();
  switch (job.what) {
    case 'layer': {
      const { digest, file, isVerified } = job;
      const open = async () => (file === undefined ? openThere(talk) : openFilePieces(file));
      return readLayer({ digest, open, isVerified }, analysers, signal);
    }
    case 'folder':
      return readFolder(job.dir, analysers, signal);
    case 'code':
      return readCode(Buffer.from(job.code), job.kind, analysers, signal);
    case 'config':
      return inspectConfig(job.config, config);
  }
}

function openTalk(job: number): Talk {
  const waiting: ((answer: Answer) => void)[] = [];
  const say = (message: FromJob): void => {
    const about: About<FromJob> = { job, message };
    process.send?.(about);
  };
  return {
    say,
    ask: (wish) => {
      say({ say: wish });
      return new Promise((resolve) => waiting.push(resolve));
    },
    hear: (answer) => waiting.shift()?.(answer),
  };
}

/** The bytes that the other process reads, as they are asked for. */
async function openThere(talk: Talk): Promise<Readable> {
  const { say } = await talk.ask('open');
  if (say !== 'opened') throw new Error('it could not be opened');
  return Readable.from(pieces(talk), { objectMode: false, highWaterMark: pieceBytes });
}

async function* pieces(talk: Talk): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const answer = await talk.ask('more');
      if (answer.say === 'broken') throw new Error('it could not be read to its end');
      if (answer.say !== 'piece') return;
      const { buffer, byteOffset, byteLength } = answer.bytes;
      yield Buffer.from(buffer, byteOffset, byteLength);
    }
  } finally {
    talk.say({ say: 'close' });
  }
}
