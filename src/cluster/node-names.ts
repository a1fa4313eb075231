/** Names and roles of nodes. A name is one part of a NATS subject and one attribute of a certificate. */
import { z } from 'zod';
import { clusterFault } from './faults.ts';

export const nodeRoles = ['api', 'invoker'] as const;
export type NodeRole = (typeof nodeRoles)[number];

/** A label as in a host name (RFC 1123, section 2.1). */
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const nodeNameSchema = z.string().regex(namePattern);
export const nodeRoleSchema = z.enum(nodeRoles);

/** @throws Fault NODE_NAME_INVALID */
export function checkNodeName(name: string): string {
  if (namePattern.test(name)) return name;
  throw clusterFault(
    'NODE_NAME_INVALID',
    `${JSON.stringify(name.slice(0, 80))} can't be the name of a node`,
    {
      hint: 'use a-z, 0-9 and - inside, at most 63 characters',
    },
  );
}
