/**
 * The other nodes of the cluster, as far as they are heard. A node is gone when it says so, or when nothing was heard
 * of it for a while, by this machine's own clock.
 *
 * A name belongs to the process that has been in the cluster longest. A second process with the same name is told by
 * the reports of the first, and no one else listens to it while the first is heard.
 */
import type { Log } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import { writtenVersion } from '../wire/frames.ts';
import type { Message } from '../wire/messages.ts';
import type { NodeKind } from '../wire/subjects.ts';
import { kindOf, type NodeIdentity, type NodeReport, parseAbilities, parseReport } from './node-report.ts';

export interface MembershipOptions {
  readonly self: NodeIdentity;
  /** For how long this process has been in the cluster. */
  readonly upMs: () => number;
  /** A report of a node arrived. `isNew`: of a process that was not known. */
  readonly onReport: (report: NodeReport, isNew: boolean) => void;
  /** A process is gone. Another one with its name may follow. */
  readonly onGone: (report: NodeReport, why: 'left' | 'silent' | 'replaced') => void;
  /** Another process has this node's name. `isOurs`: this one was first. */
  readonly onSameName: (isOurs: boolean) => void;
  readonly log: Log;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

export interface HeardNode {
  readonly report: NodeReport;
  /** Time since it arrived. */
  readonly ageMs: number;
}

interface Known {
  readonly report: NodeReport;
  readonly heardAt: number;
  /** Undefined for a node without an invoker. */
  readonly abilities: KnownAbilities | undefined;
}

/** Nodes that report the same bytes share one object. */
interface KnownAbilities {
  readonly bytes: Buffer;
  readonly value: InvokerAbilities;
}

/** A node that is silent for longer is gone. */
export const silentMs = 2_500;
const mostNodes = 10_000;

export class Membership {
  readonly #options: MembershipOptions;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  /** How many of them serve the API. */
  #apiNodes = 0;
  /** How many of those come before this one by name. */
  #apiNodesBefore = 0;
  /** Processes that were told of as unable to read what this node writes, by their nodes. */
  readonly #deaf = new Map<string, string>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The last reports of the nodes that live, without this one. */
  live(): readonly NodeReport[] {
    return Array.from(this.#known.values(), ({ report }) => report);
  }

  /** How many of them serve the API. Costs the same for any number of nodes: every call asks several times. */
  get apiNodes(): number {
    return this.#apiNodes;
  }

  /** How many of those come before this one by name. */
  get apiNodesBefore(): number {
    return this.#apiNodesBefore;
  }

  /** The same as `live`, with their age. */
  heard(): readonly HeardNode[] {
    return Array.from(this.#known.values(), ({ report, heardAt }) => ({
      report,
      ageMs: this.#now() - heardAt,
    }));
  }

  get(node: string): NodeReport | undefined {
    return this.#known.get(node)?.report;
  }

  /** @param kind what the bus knows the sender as @throws Fault MESSAGE_INVALID */
  take(kind: NodeKind, from: string, { type, head, tail }: Message): void {
    if (type !== 'report') return;
    const abilities = head['invoker'] === undefined ? undefined : this.#abilitiesOf(from, tail);
    const report = parseReport(head, abilities?.value);
    const { self } = this.#options;
    if (report.node !== from) throw new Error(`a report of '${from}' is about another node`);
    if (kindOf(report.role) !== kind) throw new Error(`'${from}' says that it has another role`);
    if (from === self.node) return void this.#compare(report);
    if (writtenVersion < report.protocol.min || writtenVersion > report.protocol.max)
      return void this.#refuseDeaf(report);
    const known = this.#known.get(from);
    if (known !== undefined && !this.#replaces(known, report)) return;
    if (known !== undefined && known.report.start !== report.start) this.#gone(from, 'replaced');
    if (report.isLeaving) return void this.#gone(from, 'left');
    const before = this.#known.get(from);
    if (before === undefined && this.#known.size >= mostNodes) return;
    if (before !== undefined) this.#count(before.report, -1);
    this.#count(report, 1);
    this.#known.set(from, { report, heardAt: this.#now(), abilities });
    this.#options.onReport(report, before === undefined);
  }

  /** Gives up the nodes that are silent. Call it several times a second. */
  tick(): void {
    for (const [node, { heardAt }] of this.#known)
      if (this.#now() - heardAt > silentMs) this.#gone(node, 'silent');
  }

  /** Whether the report is news of the process that has the name. */
  #replaces({ report: known, heardAt }: Known, report: NodeReport): boolean {
    if (known.start === report.start) return report.upMs >= known.upMs;
    const isSilent = this.#now() - heardAt > silentMs;
    return isSilent || report.upMs > known.upMs + (this.#now() - heardAt) + silentMs;
  }

  /** A node that can't read what this one writes gets nothing, and its jobs are refused. */
  #refuseDeaf({ node, start, version, protocol: { min, max } }: NodeReport): void {
    this.#gone(node, 'replaced');
    if (this.#deaf.get(node) === start) return;
    if (!this.#deaf.has(node) && this.#deaf.size >= mostNodes) return;
    this.#deaf.set(node, start);
    const about = { node, version, reads: `${min} to ${max}`, written: writtenVersion };
    this.#options.log.warn(about, 'a node can’t read this node’s messages, so they do not use each other');
  }

  /** Decides who keeps this node's name. */
  #compare({ start, upMs, isLeaving }: NodeReport): void {
    const { self, onSameName } = this.#options;
    if (start === self.start || isLeaving) return;
    const ours = this.#options.upMs();
    onSameName(ours === upMs ? self.start < start : ours > upMs);
  }

  #gone(node: string, why: 'left' | 'silent' | 'replaced'): void {
    const known = this.#known.get(node);
    this.#known.delete(node);
    if (known === undefined) return;
    this.#count(known.report, -1);
    this.#options.log.info({ node, why }, 'a node of the cluster is gone');
    this.#options.onGone(known.report, why);
  }

  #count({ role, node }: NodeReport, by: 1 | -1): void {
    if (role === 'invoker') return;
    this.#apiNodes += by;
    if (node < this.#options.self.node) this.#apiNodesBefore += by;
  }

  #abilitiesOf(node: string, bytes: Buffer): KnownAbilities {
    const last = this.#known.get(node)?.abilities;
    if (last?.bytes.equals(bytes)) return last;
    for (const { abilities } of this.#known.values()) if (abilities?.bytes.equals(bytes)) return abilities;
    return { bytes: Buffer.from(bytes), value: parseAbilities(bytes) };
  }
}
