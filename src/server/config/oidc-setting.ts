/** The setting `oidc`: issuers of tokens that Ward accepts, and from whom tenants may accept them. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type EgressCeiling, egressCeilingSchema } from '../../egress/index.ts';
import { messageOf } from '../../lib/index.ts';
import { type ListedIssuer, parseIssuer, type TokenDemand, tokenDemandSchema } from '../../oidc/index.ts';
import { serverFault } from '../faults.ts';

export interface OidcSetting {
  readonly listed: readonly ListedIssuer[];
  /** Where the other issuers may be, which only tenants name. Undefined: as `sandbox.allow.egress`. */
  readonly allow: EgressCeiling | undefined;
  /** What `require-adobe-auth: true` demands. */
  readonly adobeAuth: TokenDemand | undefined;
}

const issuer = z.string().transform((text, context) => {
  const parsed = parseIssuer(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'not a URL like https://login.example.com' });
  return z.NEVER;
});

export const oidcSchema = z.strictObject({
  issuers: z
    .array(
      z.strictObject({
        issuer,
        /** File with the certificates of its authority, if it is a private one. */
        caFile: z.string().min(1).optional(),
      }),
    )
    .max(100)
    .optional(),
  /** Where issuers may be that only tenants name. */
  allow: egressCeilingSchema.optional(),
  adobeAuth: tokenDemandSchema.optional(),
});

/** Reads the certificates too. @throws Fault CONFIG_INVALID */
export async function oidcSetting({
  issuers = [],
  allow,
  adobeAuth,
}: z.output<typeof oidcSchema>): Promise<OidcSetting> {
  const listed = await Promise.all(
    issuers.map(async (each) => ({
      issuer: each.issuer,
      ca: each.caFile === undefined ? undefined : await readAuthority(each.caFile),
    })),
  );
  const isListed = listed.some((each) => each.issuer === adobeAuth?.issuer);
  // The operator names this issuer as well.
  const more = adobeAuth === undefined || isListed ? [] : [{ issuer: adobeAuth.issuer, ca: undefined }];
  return { listed: [...listed, ...more], allow, adobeAuth };
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `oidc.issuers: ${path}: ${messageOf(cause)}`, { cause });
  }
}
