/**
 * `/ward/v1/operator/policy`: operators read the gate's policy, see what a draft would change, and put it in force. A
 * write says which text it replaces, so nobody overwrites what another wrote meanwhile.
 */

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { PolicyFile, PolicyPreview } from '../../answers/index.ts';
import { asOperator } from '../actors.ts';
import { bodyOf } from '../body.ts';
import { sendUncached } from '../errors.ts';
import { addResource } from '../resource.ts';

export interface EditedPolicy {
  /** The text in the file, its digest, and why it is read-only, if it is. */
  read(): Promise<PolicyFile>;
  /**
   * Judges a page of the stored reports by the draft and by the policy in force, and stores nothing. Only lists the problems
   * of a draft that is no policy.
   */
  preview(draft: Draft): Promise<PolicyPreview>;
  /** @throws Fault POLICY_INVALID, POLICY_CHANGED, POLICY_READ_ONLY */
  save(change: Change): Promise<object>;
}

interface Draft {
  readonly text: string;
  /** Digest after which an earlier page ended. */
  readonly after?: string | undefined;
}

interface Change {
  readonly text: string;
  /** Digest of the text that it replaces; null: there was none. */
  readonly before: string | null;
}

/** Of a policy of 256 KiB, as JSON. */
const bodyBytes = 1024 * 1024;

const draftBody = z.strictObject({ text: z.string(), after: z.string().max(100).optional() });
const changeBody = z.strictObject({ text: z.string(), before: z.string().max(100).nullable() });

/** @param scope for operators */
export function addOperatorPolicy(scope: FastifyInstance, policy: EditedPolicy): void {
  addResource(scope, ['/policy'], {
    GET: { access: 'operator', handler: async (_, reply) => sendUncached(reply, await policy.read()) },
    PUT: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const change = bodyOf(request, changeBody, '`text` and `before` are expected');
        return sendUncached(reply, await asOperator(request, () => policy.save(change)));
      },
    },
  });
  addResource(scope, ['/policy/preview'], {
    POST: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) =>
        sendUncached(reply, await policy.preview(bodyOf(request, draftBody, '`text` is expected'))),
    },
  });
}
