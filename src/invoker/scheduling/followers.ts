/**
 * The followers of each activation's log in all its states (in the queue, being initialised, running), until its end. A
 * running activation has its log in its sandbox. It moves there from the queue, and sometimes back.
 */
import { type ActivationLog, LiveLog } from '../../dispatch/index.ts';
import type { Runner } from '../runner/runner.ts';
import type { Group } from './group.ts';

export interface LogPlace {
  readonly source: Pick<Runner, 'follow'>;
  readonly id: string;
  /** The log continues with what its followers have been following so far. */
  readonly isContinued: boolean;
}

export interface Followers {
  /** True if no activation has followers. Checked for every activation. */
  readonly isEmpty: boolean;
  /** Adds a follower. `at` is where the log is now, if it exists. */
  add(activationId: string, at: LogPlace | undefined, signal?: AbortSignal): LiveLog;
  /** Moves the followers of the activation to where its log is from now on. */
  move(activationId: string, to: LogPlace): void;
  /** Ends the activation. Its followers end with its log, if it has one. */
  release(activationId: string, log?: Promise<ActivationLog>): void;
}

interface Following {
  readonly live: LiveLog;
  readonly attachments: Disposable[];
}

export function createFollowers(): Followers {
  const byActivation = new Map<string, Set<Following>>();
  const attach = ({ live, attachments }: Following, { source, id, isContinued }: LogPlace) => {
    const attachment = source.follow(id, live, isContinued);
    if (attachment !== undefined) attachments.push(attachment);
  };
  const detach = ({ attachments }: Following) => {
    for (const attachment of attachments.splice(0)) attachment[Symbol.dispose]();
  };
  return {
    get isEmpty() {
      return byActivation.size === 0;
    },
    add(activationId, at, signal) {
      const all = byActivation.get(activationId) ?? new Set();
      const leave = () => {
        detach(following);
        all.delete(following);
        if (all.size === 0 && byActivation.get(activationId) === all) byActivation.delete(activationId);
      };
      const following: Following = { live: new LiveLog(leave, signal), attachments: [] };
      byActivation.set(activationId, all.add(following));
      if (at) attach(following, at);
      return following.live;
    },
    move(activationId, to) {
      for (const following of byActivation.get(activationId) ?? []) {
        // The earlier log may have lines that are not read yet.
        if (!to.isContinued) detach(following);
        attach(following, to);
      }
    },
    release(activationId, log) {
      const all = byActivation.get(activationId);
      if (all === undefined) return;
      byActivation.delete(activationId);
      const end = () => {
        for (const following of all) {
          detach(following);
          following.live.end();
        }
      };
      // The last lines of the log may still come.
      if (log === undefined) end();
      else void log.then(end, end);
    },
  };
}

/** Returns where the log of an activation is. Undefined if there is no such activation. */
export function placeIn(groups: Iterable<Group>, activationId: string): LogPlace | 'queue' | undefined {
  for (const group of groups) {
    const place = placeOf(group, activationId);
    if (place !== undefined) return place;
  }
  return undefined;
}

function placeOf(group: Group, activationId: string): LogPlace | 'queue' | undefined {
  const beginning = group.beginning.get(activationId);
  if (beginning) return { source: beginning.runner, id: 'init', isContinued: false };
  const slot = group.slots.find(({ runner }) => runner.isLogging(activationId));
  if (slot) return { source: slot.runner, id: activationId, isContinued: false };
  return group.queue.some(({ job }) => job.activationId === activationId) ? 'queue' : undefined;
}
