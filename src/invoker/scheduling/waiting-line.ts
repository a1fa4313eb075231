/** Jobs that wait for a slot, each in the queue of its group. The groups take turns. */
import { createRotation } from './fair-rotation.ts';
import type { Group, WaitingJob } from './group.ts';
import { obstacleOf } from './obstacles.ts';

export interface WaitingLine {
  /** Jobs in all queues. */
  readonly length: number;
  /** Groups that could not be served because memory was short. */
  readonly starved: ReadonlySet<Group>;
  /** Adds a job at the end of its group's queue. */
  add(group: Group, pending: WaitingJob): void;
  /** Puts a job at the front of its group's queue. */
  putBack(group: Group, pending: WaitingJob): void;
  /** Takes the group's next job. */
  take(group: Group): WaitingJob | undefined;
  /** Removes that job from its group's queue. */
  remove(group: Group, activationId: string): WaitingJob | undefined;
  setStarved(group: Group, isStarved: boolean): void;
  /** Charges the group's namespace for memory over time. */
  charge(group: Group, cost: number): void;
  /** Gives turns until no group can use one. */
  serve(place: (group: Group) => boolean): void;
}

export function createWaitingLine(): WaitingLine {
  const rotation = createRotation<Group>();
  const starved = new Set<Group>();
  let length = 0;
  const left = (group: Group, pending: WaitingJob) => {
    length--;
    pending.waitReason = obstacleOf(group, pending);
  };
  const leaveIfEmpty = (group: Group) => {
    if (group.queue.length > 0) return;
    rotation.remove(group);
    starved.delete(group);
  };
  return {
    get length() {
      return length;
    },
    starved,
    add(group, pending) {
      length++;
      group.queue.push(pending);
      rotation.add(group);
    },
    putBack(group, pending) {
      length++;
      group.queue.unshift(pending);
      rotation.add(group);
    },
    take(group) {
      const pending = group.queue.shift();
      if (pending) left(group, pending);
      leaveIfEmpty(group);
      return pending;
    },
    remove(group, activationId) {
      const at = group.queue.findIndex(({ job }) => job.activationId === activationId);
      if (at < 0) return undefined;
      const [pending] = group.queue.splice(at, 1);
      if (pending) left(group, pending);
      leaveIfEmpty(group);
      return pending;
    },
    setStarved(group, isStarved) {
      if (isStarved) starved.add(group);
      else starved.delete(group);
    },
    charge({ namespace }, cost) {
      rotation.charge(namespace, cost);
    },
    serve(place) {
      while (rotation.next(place));
    },
  };
}
