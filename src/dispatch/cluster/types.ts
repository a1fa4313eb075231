/** A process as a node of a cluster, as its owner sees it. */
import type { Bus } from '../../bus/index.ts';
import type { Fault, Log } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import type { LogPiece } from '../live-log.ts';
import type { HeardNode } from '../nodes/membership.ts';
import type { JudgeRevisions, NodeReport, NodeRole } from '../nodes/node-report.ts';
import type { InvokerDirectory, InvokerReport, LoadNote } from '../placement/types.ts';
import type { Dispatcher, DrainOrder, JobTarget, ViolationReport } from '../types.ts';
import type { LinkCounts } from '../wire/link.ts';

/** The invoker in this process. */
export interface LocalInvoker extends Dispatcher {
  /** Finds out what it can run. Takes a second on hosts with gVisor. */
  abilities(): Promise<InvokerAbilities>;
  /** Its load. Cheap enough to call often. */
  load(): InvokerLoad;
  /** The part of it that goes with each reply. Cheaper. */
  note(): LoadNote;
  /** Brings its image here while no call waits. Ignores names without a digest. */
  prefetch(target: Pick<JobTarget, 'image'>): void;
}

export type InvokerLoad = Omit<InvokerReport, 'abilities' | 'isDraining'>;

/** The activations that a node has taken and that have not ended. */
export interface OwnCalls {
  has(namespace: string, activationId: string): boolean;
  /** Ends it. False if the node does not have it. */
  cancel(namespace: string, activationId: string): Promise<boolean>;
  /** Undefined if the node does not have it. The signal ends it. */
  follow(namespace: string, activationId: string, signal: AbortSignal): AsyncIterable<LogPiece> | undefined;
}

/** The operator's order to each node that has one. */
export type DrainOrdersByNode = ReadonlyMap<string, DrainOrder>;

export interface ClusterOptions {
  readonly bus: Bus;
  /** Nodes with another one don't hear this node. */
  readonly cluster: string;
  readonly node: string;
  readonly role: NodeRole;
  /** The version of Ward. */
  readonly version: string;
  /** Undefined: none, for role `api`. */
  readonly invoker: LocalInvoker | undefined;
  readonly directory: InvokerDirectory;
  /** The largest result that this node allows, whatever others allow. Absent: the default. */
  readonly resultBytes?: number | undefined;
  /** Takes violations of jobs that run on nodes without a database. Must not throw. */
  readonly onViolation: (report: ViolationReport) => void;
  /** Another node has changed something in the database. Only a hint: it may be lost, or wrong. Must not throw. */
  readonly onChanged?: () => void;
  readonly log: Log;
  /** What other API nodes may follow and cancel. Undefined: this node takes no activations. */
  readonly ownCalls?: OwnCalls | undefined;
  /** The revisions by which this node judges. Undefined: it does not judge. Cheap enough to call often. */
  readonly judges?: (() => JudgeRevisions) | undefined;
  /** Whether it hears no invoker while others do. Cheap enough to call often. */
  readonly isAlone?: (() => boolean) | undefined;
  /** As for `drain`, before this node says anything. */
  readonly orders?: DrainOrdersByNode | undefined;
  /** How long jobs of other nodes may take after this one takes no more. Absent: ten seconds. */
  readonly drainMs?: number;
  /** Time for another node with this name to say so. */
  readonly nameMs?: number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

export interface Cluster extends AsyncDisposable {
  /** Runs jobs anywhere in the cluster. */
  readonly dispatcher: Dispatcher;
  /**
   * Follows the log of an activation that another API node has taken. Resolves to undefined if none says so.
   */
  followElsewhere(
    namespace: string,
    activationId: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogPiece> | undefined>;
  /** Ends an activation that another API node has taken. Resolves to false if none says that it has it. */
  cancelElsewhere(namespace: string, activationId: string): Promise<boolean>;
  /** The other nodes that are heard. */
  nodes(): readonly NodeReport[];
  /** How many of them serve the API. */
  apiNodes(): number;
  /** How many of those come before this one by name. */
  apiNodesBefore(): number;
  /** All nodes that are heard, this one first. */
  heard(): readonly HeardNode[];
  /** Follows the operator's orders, all of which it gets, and tells them to nodes that do not have them yet. */
  drain(orders: DrainOrdersByNode): void;
  /**
   * Takes no more jobs of other nodes, and tells them so. Its own calls go to other nodes, or stay here if none takes
   * them. Those that run here get their time from now on.
   */
  takeNoMore(): void;
  /** False while this node is cut off from the bus. */
  isUp(): boolean;
  /** Resolves when another process, which was first, has this node's name. This one is out of the cluster then. */
  readonly ended: Promise<Fault>;
  counts(): ClusterCounts;
  /** Tells the others that something was changed in the database. Cheap: call it after each write. */
  changed(): void;
  /** Reports a violation to a node that can keep it. */
  violated(report: ViolationReport): void;
}

export interface ClusterCounts extends LinkCounts {
  /** Messages about jobs from nodes that do not have them. */
  readonly ignored: number;
}
