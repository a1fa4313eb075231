/**
 * Finds the call that a line belongs to, where calls run at once. A runner that knows the call marks the line. Lines
 * that bypass the runner (from a child process, or written to the bare descriptor) may belong to any call, so every
 * open call gets them. They are formatted and packed once for all calls: otherwise a flood of short lines would cost
 * hundreds of times as much as with one call.
 */
import { packSharedLines, type StreamName } from '../../dispatch/index.ts';
import { Lines } from './log-lines.ts';
import type { ActivationSink } from './log-sink.ts';

/** Followed by a space, the activation's id, another space, and the line. */
export const lineMark = 'XXX_A_LINE_OF_A_WHISK_ACTIVATION_XXX';

interface OwnedLine {
  readonly sinks: readonly ActivationSink[];
  readonly text: Buffer;
}

/** Lines of several calls that were read at once. */
interface SharedLines {
  readonly name: StreamName;
  readonly sinks: readonly ActivationSink[];
  readonly lines: Lines;
  readonly limitBytes: number;
  /** The most that one of the calls can still keep. */
  readonly roomBytes: number;
}

const markBytes = Buffer.from(`${lineMark} `);
const blank = 0x20;

export class LineOwners {
  /** The open ones. */
  readonly #sinks: ReadonlyMap<string, ActivationSink>;
  /** The owners of each stream's last line. The rest of a line that was cut belongs to them, too. */
  readonly #last: Record<StreamName, readonly ActivationSink[]> = { stdout: [], stderr: [] };
  /** All open ones. Known until `handOut`, because no call begins or ends while a chunk is read. */
  #all: readonly ActivationSink[] | undefined;
  #shared: SharedLines | undefined;

  constructor(sinks: ReadonlyMap<string, ActivationSink>) {
    this.#sinks = sinks;
  }

  /**
   * Adds a line to the log of each call that it belongs to, at the latest with `handOut`.
   * @param at when it was read, in microseconds
   * @param limitBytes limit of one log
   * @param isContinued true for the rest of a line that was too long
   */
  add(name: StreamName, line: Buffer, at: number, limitBytes: number, isContinued: boolean): void {
    const { sinks, text } = this.#of(name, line, isContinued);
    if (sinks !== this.#shared?.sinks) this.#giveShared();
    if (sinks.length > 1) {
      this.#shared ??= sharedBy(sinks, name, limitBytes);
      this.#shared.lines.add(name, text, at, this.#shared.roomBytes);
      return;
    }
    for (const sink of sinks) {
      const added = sink.lines[name].add(name, text, at, limitBytes);
      if (added !== undefined) sink.followers?.send(added);
    }
  }

  /** Gives the calls the lines that they share. Must be called after each chunk. */
  handOut(): void {
    this.#giveShared();
    this.#all = undefined;
  }

  #giveShared(): void {
    if (this.#shared === undefined) return;
    const { name, sinks, lines, limitBytes } = this.#shared;
    this.#shared = undefined;
    for (const sink of sinks) {
      const kept = sink.lines[name].share(lines, limitBytes);
      sink.followers?.sendRuns(kept);
    }
  }

  /** Output of processes that outlive their call belongs to no call. */
  #of(name: StreamName, line: Buffer, isContinued: boolean): OwnedLine {
    if (isContinued) return { sinks: this.#last[name], text: line };
    const owned = this.#marked(name, line) ?? { sinks: this.#open(name), text: line };
    this.#last[name] = owned.sinks;
    return owned;
  }

  #marked(name: StreamName, line: Buffer): OwnedLine | undefined {
    if (!line.subarray(0, markBytes.length).equals(markBytes)) return undefined;
    const end = line.indexOf(blank, markBytes.length);
    if (end < 0) return undefined;
    const sink = this.#sinks.get(line.toString('latin1', markBytes.length, end));
    return { sinks: sink === undefined || sink.hasEnded[name] ? [] : [sink], text: line.subarray(end + 1) };
  }

  /** While the code is being loaded, no call writes. */
  #open(name: StreamName): readonly ActivationSink[] {
    const init = this.#sinks.get('init');
    if (init !== undefined && !init.hasEnded[name]) return [init];
    this.#all ??= [...this.#sinks.values()];
    return this.#all;
  }
}

function sharedBy(sinks: readonly ActivationSink[], name: StreamName, limitBytes: number): SharedLines {
  let leastBytes = limitBytes;
  for (const { lines } of sinks) leastBytes = Math.min(leastBytes, lines[name].bytes);
  const lines = new Lines(packSharedLines);
  return { name, sinks, lines, limitBytes, roomBytes: limitBytes - leastBytes };
}
