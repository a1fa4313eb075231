/**
 * Finds the call that a line belongs to, where calls run at once. A runner that knows the call marks the line. Lines
 * that bypass the runner (from a child process, or written to the bare descriptor) may belong to any call, so every
 * open call gets them.
 */
import type { StreamName } from '../../dispatch/index.ts';
import type { ActivationSink } from './log-sink.ts';

/** Followed by a space, the activation's id, another space, and the line. */
export const lineMark = 'XXX_A_LINE_OF_A_WHISK_ACTIVATION_XXX';

export interface OwnedLine {
  readonly sinks: readonly ActivationSink[];
  readonly text: Buffer;
}

const markBytes = Buffer.from(`${lineMark} `);
const blank = 0x20;

export class LineOwners {
  /** The open ones. */
  readonly #sinks: ReadonlyMap<string, ActivationSink>;
  /** The owners of each stream's last line. The rest of a line that was cut belongs to them, too. */
  readonly #last: Record<StreamName, readonly ActivationSink[]> = { stdout: [], stderr: [] };

  constructor(sinks: ReadonlyMap<string, ActivationSink>) {
    this.#sinks = sinks;
  }

  /**
   * Output of processes that outlive their call belongs to no call.
   * @param isContinued true for the rest of a line that was too long
   */
  of(name: StreamName, line: Buffer, isContinued: boolean): OwnedLine {
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
    return init === undefined || init.hasEnded[name] ? [...this.#sinks.values()] : [init];
  }
}
