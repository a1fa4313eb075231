/** The log of one activation while it is open: its lines and its followers. */
import type { StreamName } from '../../dispatch/index.ts';
import type { LogFollowers } from './log-followers.ts';
import { Lines } from './log-lines.ts';

/** What was written for an activation. */
export interface SinkContent {
  readonly lines: Readonly<Record<StreamName, Lines>>;
  /** An expected sentinel is missing. */
  readonly isMissing: boolean;
}

export interface ActivationSink {
  readonly id: string;
  readonly lines: Record<StreamName, Lines>;
  readonly hasEnded: Record<StreamName, boolean>;
  /** What precedes its own lines; undefined if nothing does. */
  readonly before: Promise<SinkContent> | undefined;
  /** The content of `before`, once it is known. */
  early: SinkContent | undefined;
  hasAnswered: boolean;
  settle: (() => void) | undefined;
  followers: LogFollowers | undefined;
}

export function createSink(id: string, before: Promise<SinkContent> | undefined): ActivationSink {
  const sink: ActivationSink = {
    id,
    lines: { stdout: new Lines(), stderr: new Lines() },
    hasEnded: { stdout: false, stderr: false },
    before,
    early: undefined,
    hasAnswered: false,
    settle: undefined,
    followers: undefined,
  };
  void before?.then((written) => {
    sink.early = written;
  });
  return sink;
}

/** Appends the second to the first. */
export function joined(first: SinkContent, second: SinkContent): SinkContent {
  const lines = { stdout: new Lines(), stderr: new Lines() };
  for (const { lines: each } of [first, second]) {
    lines.stdout.append(each.stdout);
    lines.stderr.append(each.stderr);
  }
  return { lines, isMissing: first.isMissing || second.isMissing };
}
