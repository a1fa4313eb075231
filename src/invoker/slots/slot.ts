/**
 * A slot is a sandbox that is paid for: its memory counts from the moment its start begins until its end. It
 * starts blank (prewarmed, no code) or bound to an action's code; once initialised it belongs to one action of
 * one revision in one namespace for the rest of its life.
 */
import type { BlobStore } from '../../blobs/index.ts';
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
  /** Activations that it was handed and has not answered. */
  inFlight: number;
  /** Those of them that have not begun: it is being written down that they do. */
  claiming: number;
  /** It gets no more activations, and ends with the last that it has. */
  isSpent: boolean;
  /** Its action was at fault, so that it can't be used again. */
  hasFailed: boolean;
  /** `performance.now()` of its last answer, or of its start. */
  idleSince: number;
  /** `performance.now()` of when it began to serve its action. */
  readonly startedAt: number;
}

/** What slots of one revision of an action are made from. */
export interface SlotPlan {
  readonly kind: string;
  readonly memoryMiB: number;
  /** A blank slot of its kind and memory can become one. */
  readonly takesBlank: boolean;
  /** `__OW_API_HOST` of its code. */
  readonly apiHost: () => string;
  /** A new slot with the code in place. @throws Fault IMAGE_UNKNOWN, IMAGE_UNUSABLE, ARCHIVE_*, PORT_UNREACHABLE */
  start(): Promise<Slot>;
  /** Puts the code into a blank slot, and all else that the action has. @throws Fault ARCHIVE_*, PORT_UNREACHABLE */
  lay(blank: Slot): Promise<void>;
}

/** What slots are made of and from; the composition root chooses it. */
export interface SlotSources {
  readonly host: SandboxHost;
  readonly images: ImageStore;
  readonly operator: OperatorPolicy;
  readonly kinds: readonly RuntimeKind[];
  /** URL of the API for the world (`__OW_API_HOST` where a sandbox has no port for it); asked when code is loaded. */
  readonly apiHost: () => string;
  /** The largest result, serialised; absent: the default. */
  readonly resultBytes?: number | undefined;
  /** Takes calls of the API that come out of sandboxes; absent: they have no port for it. Never throws. */
  readonly onApiConnection?: (connection: ApiConnection) => void;
}

export interface SlotOptions extends SlotSources {
  readonly blobs: BlobStore;
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

/** `NAME=VALUE` lines of an image. Those without a name or a value are passed over, as Docker does. */
export function environmentOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)])
      .filter(([name]) => name !== ''),
  );
}
