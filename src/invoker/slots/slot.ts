/**
 * A slot is a sandbox whose memory is reserved from the beginning of its start until its end. It starts blank
 * (prewarmed, no code) or bound to an action's code. Once initialised, it belongs to one revision of one action in
 * one namespace for the rest of its life.
 */
import type { BlobReader } from '../../blobs/index.ts';
import type { ImageStore, RuntimeKind } from '../../images/index.ts';
import type { OperatorPolicy, SandboxHost } from '../../sandbox/index.ts';
import type { Intakes } from '../channel/intake.ts';
import type { Runner } from '../runner/runner.ts';
import type { ViolationDesk } from '../runner/violation-desk.ts';
import type { ApiConnection } from '../types.ts';
import type { CodeFolders } from './code-folders.ts';

export interface Slot {
  readonly kind: string;
  readonly memoryMiB: number;
  readonly runner: Runner;
  /** Activations that it was given and has not answered. */
  inFlight: number;
  /** How many of them have not begun, because their beginning is still being written. */
  claiming: number;
  /** It gets no more activations, and ends after its last one. */
  isSpent: boolean;
  /** Its action failed, so it cannot be used again. */
  hasFailed: boolean;
  /** Time of its last answer or of its start, by `performance.now()`. */
  idleSince: number;
  /** When it began to serve its action, by `performance.now()`. */
  readonly startedAt: number;
}

/** How to make slots of one revision of an action. */
export interface SlotPlan {
  readonly kind: string;
  readonly memoryMiB: number;
  /** A blank slot of its kind and memory can become one of its slots. */
  readonly takesBlank: boolean;
  /** `__OW_API_HOST` of its code. */
  readonly apiHost: () => string;
  /**
   * Starts a slot with the code in place. @throws Fault IMAGE_UNKNOWN, IMAGE_UNUSABLE, ARCHIVE_*, PORT_UNREACHABLE
   */
  start(): Promise<Slot>;
  /**
   * Puts the code, and everything else that the action has, into a blank slot. @throws Fault ARCHIVE_*,
   * PORT_UNREACHABLE
   */
  lay(blank: Slot): Promise<void>;
}

/** What slots are made of. The composition root chooses it. */
export interface SlotSources {
  readonly host: SandboxHost;
  readonly images: ImageStore;
  readonly operator: OperatorPolicy;
  readonly kinds: readonly RuntimeKind[];
  /** Public URL of the API (`__OW_API_HOST` in sandboxes without an API port). Called when code is loaded. */
  readonly apiHost: () => string;
  /** The largest result, serialised. Absent: the default. */
  readonly resultBytes?: number | undefined;
  /** Handles API calls from sandboxes. Absent: sandboxes have no API port. Must not throw. */
  readonly onApiConnection?: (connection: ApiConnection) => void;
}

export interface SlotOptions extends SlotSources {
  readonly blobs: Pick<BlobReader, 'get'>;
  readonly folders: CodeFolders;
  readonly readyTimeoutMs: number;
  readonly intakes: Intakes;
  readonly desk: Pick<ViolationDesk, 'watch'>;
}

export function newSlot(kind: string, memoryMiB: number, runner: Runner): Slot {
  const now = performance.now();
  return {
    kind,
    memoryMiB,
    runner,
    inFlight: 0,
    claiming: 0,
    isSpent: false,
    hasFailed: false,
    idleSince: now,
    startedAt: now,
  };
}

/** Parses `NAME=VALUE` lines of an image. Skips lines without a name or a value, as Docker does. */
export function environmentOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)])
      .filter(([name]) => name !== ''),
  );
}
