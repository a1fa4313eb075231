/** The server's half of starts that are made ready: one set of streams, on which a process of the keeper's waits. */
import type { Socket } from 'node:net';
import { connectStreams } from './kept-streams.ts';
import type { KeeperLink } from './link.ts';

interface ReadyRun {
  readonly run: number;
  readonly streams: readonly Socket[];
}

interface ReadyStreams {
  /** Undefined when there are none. */
  take(): ReadyRun | undefined;
  /** Has the next ones made, unless there are some. */
  make(): void;
}

export function openReadyStreams(link: KeeperLink): ReadyStreams {
  let ready: ReadyRun | undefined;
  let isMaking = false;

  async function make(): Promise<void> {
    const run = link.nextId();
    const streams = connectStreams(link.hello.door, run, 4);
    const made = { run, streams };
    const letGo = (): void => {
      for (const stream of streams) stream.destroy();
    };
    const lose = (): void => {
      if (ready !== made) return;
      ready = undefined;
      letGo();
    };
    // When the process has ended.
    for (const stream of streams) stream.once('close', lose);
    try {
      await link.ask('ready', {}, run);
    } catch {
      // The next sandbox is started as it would be without.
      return letGo();
    }
    ready = made;
    // They don't keep a server that has nothing else to do.
    for (const stream of streams) stream.unref();
    if (streams.some((stream) => stream.destroyed)) lose();
  }

  return {
    take() {
      const taken = ready;
      ready = undefined;
      for (const stream of taken?.streams ?? []) stream.ref();
      return taken;
    },
    make() {
      if (ready !== undefined || isMaking) return;
      isMaking = true;
      void make().finally(() => {
        isMaking = false;
      });
    },
  };
}
