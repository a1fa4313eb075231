/** Names and roles of nodes. A name is one part of a NATS subject and one attribute of a certificate. */
import { z } from 'zod';
import { nodeNameForm } from '../lib/index.ts';
import { clusterFault } from './faults.ts';

export const nodeRoles = ['api', 'invoker'] as const;
export type NodeRole = (typeof nodeRoles)[number];

export const nodeNameSchema = z.string().regex(nodeNameForm);
export const nodeRoleSchema = z.enum(nodeRoles);

/** @throws Fault NODE_NAME_INVALID */
export function checkNodeName(name: string): string {
  if (nodeNameForm.test(name)) return name;
  throw clusterFault(
    'NODE_NAME_INVALID',
    `${JSON.stringify(name.slice(0, 80))} can't be the name of a node`,
    {
      hint: 'use up to 64 letters, digits, hyphens and underscores',
    },
  );
}
