/**
 * Why an activation waited, for people. A limit on calls at once is not among them: calls beyond it are refused.
 *
 * When several held during one wait, the first of this list counts: the others often follow from it.
 */
export const waitReasons = [
  // Before an invoker had it.
  'the server that had accepted it stopped or gave it up',
  'no node that runs calls was heard',
  'no node could run it',
  'all nodes had too much to do',
  'too many calls were waiting for a sandbox',
  'a node that was asked first could not take it',
  'the gate could not judge its code',
  'the machine lacked disk space, descriptors or memory, or a disk failed',
  // In the queue of its action.
  'no memory was free for another sandbox',
  'sandboxes of the action had failed to start',
  'the output of its namespace was being processed',
  'the action had as many sandboxes as its limit of instances allows',
  'its namespace was starting as many sandboxes as it may at once',
  'as many sandboxes were being started as may be at once',
  'its next sandbox was being started',
  'all its sandboxes were busy',
] as const;

export type WaitReason = (typeof waitReasons)[number];

/** The one of two that says most about a wait during which both held. */
export function mainReason(
  one: WaitReason | undefined,
  other: WaitReason | undefined,
): WaitReason | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return waitReasons.indexOf(one) < waitReasons.indexOf(other) ? one : other;
}
