/**
 * The subjects of a cluster on the bus. Where a message comes from is a word of its subject, so that the servers of
 * the bus can hold each node to its own name.
 */
import { nodeNameForm } from '../../lib/index.ts';
import { dispatchFault } from '../faults.ts';

/** What a node may be by its certificate: a node that serves the API may also run actions. */
export const nodeKinds = ['api', 'invoker'] as const;
export type NodeKind = (typeof nodeKinds)[number];

export interface Subjects {
  /** Reports of a node about itself, heard by all. The servers of the bus let no invoker say that it serves the API. */
  report(kind: NodeKind, from: string): string;
  /** What API nodes say to an invoker. */
  invoker(to: string, from: string): string;
  /** What invokers say to an API node. */
  api(to: string, from: string): string;
  /** What API nodes say to all others. */
  all(from: string): string;
  /** Where the bus tells an API node that no one hears the invoker to which it sent a job. */
  unheard(to: string, activationId: string, attempt: number): string;
}

/** Stands for every sender. */
export const anyone = '*';

/** @throws Fault NODE_NAME_INVALID */
export function subjectsOf(cluster: string): Subjects {
  const root = `ward.v1.${requireName(cluster)}`;
  return {
    report: (kind, from) => `${root}.hb.${kind}.${from}`,
    invoker: (to, from) => `${root}.inv.${to}.${from}`,
    api: (to, from) => `${root}.api.${to}.${from}`,
    all: (from) => `${root}.all.${from}`,
    unheard: (to, activationId, attempt) => `${root}.none.${to}.${activationId}.${attempt}`,
  };
}

/** The last word of a subject: its sender, or undefined if that can't be a name. */
export function senderOf(subject: string): string | undefined {
  const from = subject.slice(subject.lastIndexOf('.') + 1);
  return nodeNameForm.test(from) ? from : undefined;
}

/** @throws Fault NODE_NAME_INVALID */
export function requireName(name: string): string {
  if (nodeNameForm.test(name)) return name;
  throw dispatchFault(
    'NODE_NAME_INVALID',
    `'${name.slice(0, 100)}' can't be the name of a node or a cluster`,
    {
      hint: 'use up to 64 letters, digits, hyphens and underscores',
    },
  );
}
