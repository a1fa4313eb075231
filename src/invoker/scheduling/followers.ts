/**
 * Who follows the log of which activation, from wherever that is (in the queue, being initialised, running) to its
 * end. What is running finds its log in its sandbox; an activation moves there from the queue, and sometimes back.
 */

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
  add(activationId: string, onLine: (line: string) => void, at: LogPlace | undefined): Disposable;
  /** From now on its log is there. */
  move(activationId: string, to: LogPlace): void;
  /** It has ended. */
  release(activationId: string): void;
}

interface Following {
  readonly onLine: (line: string) => void;
  readonly attachments: Disposable[];
}

export function createFollowers(): Followers {
  const byActivation = new Map<string, Set<Following>>();
  const attach = (following: Following, { source, id, isContinued }: LogPlace) => {
    const attachment = source.follow(id, following.onLine, isContinued);
    if (attachment !== undefined) following.attachments.push(attachment);
  };
  const detach = (following: Following) => {
    for (const attachment of following.attachments.splice(0)) attachment[Symbol.dispose]();
  };
  return {
    get isEmpty() {
      return byActivation.size === 0;
    },
    add(activationId, onLine, at) {
      const following: Following = { onLine, attachments: [] };
      if (at) attach(following, at);
      const all = byActivation.get(activationId) ?? new Set();
      byActivation.set(activationId, all.add(following));
      return {
        [Symbol.dispose]() {
          detach(following);
          all.delete(following);
          if (all.size === 0 && byActivation.get(activationId) === all) byActivation.delete(activationId);
        },
      };
    },
    move(activationId, to) {
      for (const following of byActivation.get(activationId) ?? []) {
        // What it goes on with may have lines that are not read yet.
        if (!to.isContinued) detach(following);
        attach(following, to);
      }
    },
    // What its log ends with may still come, so nothing is detached.
    release: (activationId) => void byActivation.delete(activationId),
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
