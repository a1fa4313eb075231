/** The server's half of prepared starts: one set of streams, on which a process of the keeper's waits. */
import type { Socket } from 'node:net';
import { connectStreams } from './kept-streams.ts';
import type { KeeperLink } from './link.ts';

interface ReadyRun {
  readonly run: number;
  readonly streams: readonly Socket[];
}

interface ReadyStreams {
  /** Undefined when none are ready. */
  take(): ReadyRun | undefined;
  /** Prepares the next streams, unless some are ready. */
  make(): void;
}

export function openReadyStreams(link: KeeperLink): ReadyStreams {
  let ready: ReadyRun | undefined;
  let isMaking = false;

  async function make(): Promise<void> {
    const run = link.nextId();
    const streams = connectStreams(link.hello.door, run, 4);
    const made = { run, streams };
    const release = (): void => {
      for (const stream of streams) stream.destroy();
    };
    const lose = (): void => {
      if (ready !== made) return;
      ready = undefined;
      release();
    };
    // The streams close when the process has ended.
    for (const stream of streams) stream.once('close', lose);
    try {
      await link.ask('ready', {}, run);
    } catch {
      // The next sandbox starts without a prepared process.
      return release();
    }
    ready = made;
    // Idle streams must not keep the server running.
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
