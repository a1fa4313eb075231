/**
 * Runs jobs on the invokers of a cluster: on the one in this process when placement prefers it, and on those of other
 * nodes over the bus. When the bus is down, the invoker in this process goes on alone.
 */
import { type Fault, hostTroubleOf, isFault, messageOf } from '../../lib/index.ts';
import { requireAble } from '../abilities.ts';
import {
  dispatchFault,
  howRefused,
  invokerClosed,
  invokersBusy,
  invokersUnreachable,
  jobWithdrawn,
  mayGoElsewhere,
  retryMs,
} from '../faults.ts';
import type { Membership } from '../nodes/membership.ts';
import type { NodeReport } from '../nodes/node-report.ts';
import { isHeard } from '../placement/choose.ts';
import { groupHash } from '../placement/group-hash.ts';
import type { InvokerDirectory, InvokerReport } from '../placement/types.ts';
import type { Refusal } from '../remote/open-job.ts';
import type { RemoteJobs } from '../remote/remote-jobs.ts';
import type {
  Dispatcher,
  Handover,
  InvokerStatus,
  Job,
  JobEnd,
  JobTarget,
  KeptAction,
  LoadGrant,
} from '../types.ts';
import { mainReason, type WaitReason } from '../wait-reasons.ts';
import { noActivation } from '../wire/frames.ts';
import { plain } from '../wire/heads.ts';
import type { Link } from '../wire/link.ts';
import type { Message } from '../wire/messages.ts';
import type { Subjects } from '../wire/subjects.ts';
import type { ImageHints } from './image-hints.ts';

export interface ClusterDispatcherOptions {
  readonly node: string;
  /** The invoker in this process. Undefined: there is none. */
  readonly local: Dispatcher | undefined;
  /** The operator has drained this node. */
  readonly isDrained: () => boolean;
  readonly remote: RemoteJobs;
  readonly directory: InvokerDirectory;
  readonly members: Pick<Membership, 'live'>;
  readonly link: Link;
  readonly images: Pick<ImageHints, 'note' | 'tell'>;
  readonly subjects: Subjects;
}

const noStatus: InvokerStatus = {
  queued: 0,
  sandboxes: { starting: 0, busy: 0, idle: 0, prewarmed: 0 },
  memoryMiB: 0,
  memoryLimitMiB: 0,
};

export function createClusterDispatcher(options: ClusterDispatcherOptions): Dispatcher {
  const { node: self, local, isDrained, remote, directory, members, link, subjects, images } = options;
  const invokers = () => (link.isUp ? members.live().filter(({ invoker }) => invoker !== undefined) : []);
  const say = (subject: string, type: Message['type'], head: object, tail = '') => {
    const message = {
      type,
      activationId: noActivation,
      attempt: 0,
      head: plain(head),
      tail: Buffer.from(tail),
    };
    link.send(subject, message);
  };
  /** Its only place may be another node, which is full. Here it would get more sandboxes than its maximum. */
  const isForOneOfOthers = (target: JobTarget) => {
    if (target.scaling?.maxInstances === undefined) return false;
    const hash = groupHash(target);
    return directory.views().some((view) => view.node !== self && isHeard(target, hash, view));
  };
  /** The nodes to try, the best first. Those that have no room for another unanswered job come last. */
  const candidates = (target: JobTarget): readonly string[] => {
    const chosen = directory.choose(target).filter((node) => node === self || link.isUp);
    if (chosen.length === 0) {
      if (local === undefined || isDrained() || (link.isUp && isForOneOfOthers(target))) return [];
      // The own invoker says best what is wrong with a job that no one can take.
      return [self];
    }
    const hasRoom = (node: string) => node === self || remote.hasRoom(node);
    return [...chosen.filter(hasRoom), ...chosen.filter((node) => !hasRoom(node))];
  };
  const runAt = (node: string, job: Job, handover: Handover | undefined): Promise<JobEnd | Refusal> => {
    const sent = directory.send(node, job);
    if (node !== self || local === undefined) return remote.send(node, job, handover, sent);
    return runHere(local, job, handover, sent);
  };
  const cancelAt = (activationId: string) => {
    if (remote.has(activationId)) remote.cancel(activationId);
    else local?.cancel(activationId);
  };
  const runs = new Map<string, Run>();
  return {
    run(job, handover) {
      const whyNot = (cause: unknown) => refusalOf(job, invokers(), cause);
      const run: Run = { job, handover, self, whyNot, runAt, cancelAt, isCancelled: false };
      runs.set(job.activationId, run);
      if (job.image !== undefined) images.note(job);
      return runOn(candidates(job), remote, run).finally(() => {
        if (runs.get(job.activationId) === run) runs.delete(job.activationId);
      });
    },
    cancel(activationId) {
      const run = runs.get(activationId);
      // This node may have it for another one.
      if (run === undefined) return;
      run.isCancelled = true;
      cancelAt(activationId);
    },
    warm(target) {
      const [node] = candidates(target);
      if (node === self) local?.warm(target);
      else if (node !== undefined) say(subjects.invoker(node, self), 'warm', { target });
    },
    prefetch: (target) => images.tell(target),
    follow: (activationId, signal) =>
      remote.follow(activationId, signal) ?? local?.follow(activationId, signal),
    async checkTarget(target) {
      const checks = invokers().map(({ node, invoker }) => ({
        node,
        check: () => invoker && requireAble(target, invoker.abilities),
      }));
      const own = local && { node: self, check: () => local.checkTarget(target) };
      await oneOf(own === undefined ? checks : [own, ...checks]);
    },
    kept() {
      const all = [...(local?.kept() ?? []), ...invokers().flatMap(({ kept }) => kept)];
      return [...new Map(all.map((each) => [keyOf(each), each])).values()];
    },
    grant(grants, forMs) {
      local?.grant(grants, forMs);
      const granted = new Map(grants.map((each) => [keyOf(each), each]));
      for (const { node, kept } of invokers()) {
        const those = kept.flatMap((each): LoadGrant[] => {
          const found = granted.get(keyOf(each));
          return found === undefined ? [] : [found];
        });
        if (those.length > 0) say(subjects.invoker(node, self), 'grant', { forMs }, JSON.stringify(those));
      }
    },
    status() {
      const remotes = invokers().map(({ invoker }) => invoker?.status ?? noStatus);
      return [local?.status() ?? noStatus, ...remotes].reduce(sum);
    },
    retire(action) {
      local?.retire(action);
      say(subjects.all(self), 'retire', { action });
    },
    namespaces: () =>
      new Set([...(local?.namespaces() ?? []), ...invokers().flatMap(({ namespaces }) => namespaces)]),
    expel(namespace) {
      local?.expel(namespace);
      say(subjects.all(self), 'expel', { namespace });
    },
  };
}

interface Run {
  readonly job: Job;
  readonly handover: Handover | undefined;
  readonly self: string;
  /** Says why no node could be asked, or none of those that were had a place. */
  readonly whyNot: (cause: unknown) => Fault;
  readonly runAt: (node: string, job: Job, handover: Handover | undefined) => Promise<JobEnd | Refusal>;
  readonly cancelAt: (activationId: string) => void;
  /** The node that gets the job next is told as well. */
  isCancelled: boolean;
}

/** Tries one node after the other. */
async function runOn(nodes: readonly string[], remote: RemoteJobs, run: Run): Promise<JobEnd> {
  const { job, self, runAt } = run;
  let { handover } = run;
  let last: unknown;
  let waitReason: WaitReason | undefined;
  for (const node of nodes) {
    if (node !== self) {
      // Only if all have no room; those with room came first.
      if (!remote.hasRoom(node)) {
        waitReason = mainReason(waitReason, 'all nodes had too much to do');
        await remote.untilRoom(node);
      }
      if (handover?.isPrompt === true) {
        let mayBegin: boolean | Promise<boolean> = false;
        try {
          mayBegin = handover.begin();
          // Waits only if it must: the room that was found is taken at once.
          if (mayBegin instanceof Promise) mayBegin = await mayBegin;
        } finally {
          if (mayBegin !== true) remote.passRoom(node);
        }
        if (!mayBegin) throw jobWithdrawn();
        handover = undefined;
      }
    }
    const running = runAt(node, job, handover);
    if (run.isCancelled) run.cancelAt(job.activationId);
    const outcome = await running;
    if ('completion' in outcome) return waitReason === undefined ? outcome : withReason(outcome, waitReason);
    last = outcome.fault;
    if (!outcome.isElsewhere) throw last;
    waitReason = mainReason(waitReason, 'a node that was asked first could not take it');
  }
  if ((isFault(last) && last.code !== 'INVOKER_LOST') || hostTroubleOf(last) !== undefined) throw last;
  throw run.whyNot(last);
}

/** The node that ran it may have met others. */
function withReason({ completion, log }: JobEnd, waitReason: WaitReason): JobEnd {
  return { completion: { ...completion, waitReason: mainReason(waitReason, completion.waitReason) }, log };
}

/** Runs it in this process. */
async function runHere(
  local: Dispatcher,
  job: Job,
  handover: Handover | undefined,
  sent: ReturnType<InvokerDirectory['send']>,
): Promise<JobEnd | Refusal> {
  try {
    const running = local.run(job, handover);
    sent.accepted();
    const end = await running;
    sent.settled('ended');
    return end;
  } catch (fault) {
    sent.settled(howRefused(fault));
    return { fault, isElsewhere: mayGoElsewhere(fault) };
  }
}

/** Passes if one check does. Otherwise throws the first fault, with the names of all that were asked. */
async function oneOf(
  checks: readonly { readonly node: string; readonly check: () => Promise<void> | void }[],
): Promise<void> {
  let first: unknown;
  for (const { check } of checks) {
    try {
      return await check();
    } catch (error) {
      first ??= error;
    }
  }
  throw first ?? invokersUnreachable('no invoker is heard');
}

function refusalOf(job: Job, heard: readonly Pick<NodeReport, 'invoker'>[], cause: unknown): Fault {
  const invokers = heard.flatMap(({ invoker }) => invoker ?? []);
  if (invokers.length === 0) return invokersUnreachable('no invoker is heard', cause);
  const fit = invokers.filter((invoker) => obstacleTo(job, invoker) === undefined);
  const [unfit] = invokers;
  if (fit.length === 0 && unfit !== undefined) return noneFit(obstacleTo(job, unfit) ?? '');
  if (fit.every(({ isDraining }) => isDraining))
    return invokerClosed('every node that could run it stops, or takes no new work');
  return cause === undefined ? invokersBusy() : invokersUnreachable('no node that was asked answers', cause);
}

/** Why the invoker can never run the job. */
function obstacleTo(job: Job, { abilities, status }: InvokerReport): string | undefined {
  const { memoryMiB } = job.limits;
  const { memoryLimitMiB } = status;
  if (memoryMiB > memoryLimitMiB)
    return `the action asks for ${memoryMiB} MiB, and all sandboxes there together have ${memoryLimitMiB} MiB`;
  try {
    requireAble(job, abilities);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Another invoker may come, so an accepted call waits for it. */
function noneFit(why: string) {
  const hint = 'change the limits of the action, or start an invoker that can run it';
  return dispatchFault('INVOKERS_UNFIT', `no invoker that is heard can run the action: ${why}`, {
    hint,
    retryAfterMs: retryMs,
  });
}

function keyOf({ namespace, action, revision }: Pick<KeptAction, 'namespace' | 'action' | 'revision'>) {
  return `${namespace}\n${action}\n${revision}`;
}

function sum(a: InvokerStatus, b: InvokerStatus): InvokerStatus {
  const used = sumOfKnown(a.memoryUsedMiB, b.memoryUsedMiB);
  const left = sumOfKnown(a.sandboxesLeft, b.sandboxesLeft);
  return {
    queued: a.queued + b.queued,
    sandboxes: {
      starting: a.sandboxes.starting + b.sandboxes.starting,
      busy: a.sandboxes.busy + b.sandboxes.busy,
      idle: a.sandboxes.idle + b.sandboxes.idle,
      prewarmed: a.sandboxes.prewarmed + b.sandboxes.prewarmed,
    },
    memoryMiB: a.memoryMiB + b.memoryMiB,
    memoryLimitMiB: a.memoryLimitMiB + b.memoryLimitMiB,
    ...(used === undefined ? {} : { memoryUsedMiB: used }),
    ...(left === undefined ? {} : { sandboxesLeft: left }),
  };
}

function sumOfKnown(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a + b;
}
