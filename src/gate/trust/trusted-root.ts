/**
 * A trusted root of sigstore (`trusted_root.json`): certificate authorities, transparency logs and time-stamp authorities, as
 * the operator gives them. Ward fetches none.
 * Source: sigstore/protobuf-specs, protos/sigstore_trustroot.proto.
 */
import type { TrustMaterial } from '@sigstore/verify';
import { z } from 'zod';
import { isFault, messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';
import { sigstoreDocuments, sigstoreVerify } from './sigstore-libraries.ts';

export interface TrustedRoot {
  readonly name: string;
  readonly material: TrustMaterial;
}

export const longestTrustedRoot = 128 * 1024;
const limits = { maxBytes: longestTrustedRoot, maxDepth: 16 } as const;
const most = 100;

const some = z.array(z.unknown()).max(most);
const rootSchema = z.looseObject({
  mediaType: z
    .string()
    .regex(/^application\/vnd\.dev\.sigstore\.trustedroot[+.]/, 'not that of a trusted root'),
  certificateAuthorities: some.optional(),
  tlogs: some.optional(),
  ctlogs: some.optional(),
  timestampAuthorities: some.optional(),
});

/** @throws Fault TRUSTED_ROOT_INVALID */
export function readTrustedRoot(name: string, text: string): TrustedRoot {
  const refuse = (what: string, cause?: unknown) =>
    gateFault('TRUSTED_ROOT_INVALID', `this is not a trusted root: ${what}`, {
      hint: 'give the text of a trusted_root.json, such as the output of cosign trusted-root create',
      ...(cause === undefined ? {} : { cause }),
    });
  const document = parseJsonDocument(rootSchema, Buffer.from(text), limits, refuse);
  try {
    const material = sigstoreVerify().toTrustMaterial(sigstoreDocuments().TrustedRoot.fromJSON(document));
    const { certificateAuthorities, timestampAuthorities, tlogs } = material;
    if ([...certificateAuthorities, ...timestampAuthorities].some(({ certChain }) => certChain.length === 0))
      throw refuse('an authority has no certificate');
    if (certificateAuthorities.length + tlogs.length === 0)
      throw refuse('it has neither an authority nor a transparency log');
    return { name, material };
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw refuse(messageOf(cause), cause);
  }
}
