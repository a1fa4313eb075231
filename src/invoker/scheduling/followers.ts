/**
 * Who follows the log of which activation, from wherever that is (in the queue, being initialised, running) to its
 * end. What is running finds its log in its sandbox; an activation moves there from the queue, and sometimes back.
 */
import { type ActivationLog, LiveLog } from '../../dispatch/index.ts';
import type { Runner } from '../runner/runner.ts';
import type { Group } from './group.ts';

export interface LogPlace {
  readonly source: Pick<Runner, 'follow'>;
  readonly id: string;
  /** It goes on with what its followers have been following so far. */
  readonly isContinued: boolean;
}

export interface Followers {
  /** Whether anybody follows anything: asked for every activation. */
  readonly isEmpty: boolean;
  /** `at` is where its log is by now, if it is anywhere. */
  add(activationId: string, at: LogPlace | undefined, signal?: AbortSignal): LiveLog;
  /** From now on its log is there. */
  move(activationId: string, to: LogPlace): void;
  /** It has ended; what it is followed for ends with its log, where it has one. */
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
        // What it goes on with may have lines that are not read yet.
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
      // What its log ends with may still come.
      if (log === undefined) end();
      else void log.then(end, end);
    },
  };
}

/** Where the log of an activation of the group is. */
export function placeOf(group: Group, activationId: string): LogPlace | 'queue' | 'none' {
  const beginning = group.beginning.get(activationId);
  if (beginning) return { source: beginning.runner, id: 'init', isContinued: false };
  const slot = group.slots.find(({ runner }) => runner.isLogging(activationId));
  if (slot) return { source: slot.runner, id: activationId, isContinued: false };
  return group.queue.some(({ job }) => job.activationId === activationId) ? 'queue' : 'none';
}
