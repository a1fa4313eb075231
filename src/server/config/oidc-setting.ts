/** The setting `oidc`: issuers of tokens that Ward accepts, and from whom tenants may accept them. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type EgressCeiling, egressCeilingSchema } from '../../egress/index.ts';
import type { ConsoleClient, Login, LoginRole } from '../../functions/index.ts';
import { messageOf, readSecretFile } from '../../lib/index.ts';
import { type ListedIssuer, parseIssuer, type TokenDemand, tokenDemandSchema } from '../../oidc/index.ts';
import { serverFault } from '../faults.ts';

export interface OidcSetting {
  readonly listed: readonly ListedIssuer[];
  /** Where the other issuers may be, which only tenants name. Undefined: as `sandbox.allow.egress`. */
  readonly allow: EgressCeiling | undefined;
  /** What `require-adobe-auth: true` demands. */
  readonly adobeAuth: TokenDemand | undefined;
  /** Whose tokens are worth a key. */
  readonly logins: readonly Login[];
}

/** Claims that tell whose pipeline it is, at issuers that give everyone in the world a token for any audience. */
const ownerClaims: Readonly<Record<string, readonly string[]>> = {
  'https://token.actions.githubusercontent.com': [
    ...['sub', 'repository', 'repository_id', 'repository_owner', 'repository_owner_id'],
  ],
  'https://gitlab.com': ['sub', 'project_path', 'project_id', 'namespace_path', 'namespace_id'],
};
/** The functions themselves are not loaded: the keeper, which reads settings, has no use for them. */
const roles: Record<LoginRole, LoginRole> = {
  viewer: 'viewer',
  deployer: 'deployer',
  developer: 'developer',
  admin: 'admin',
};
const defaultKeyMinutes = 60;

const issuer = z.string().transform((text, context) => {
  const parsed = parseIssuer(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'not a URL like https://login.example.com' });
  return z.NEVER;
});

const name = z.string().min(1).max(512);
const names = z.union([name.transform((one) => [one]), z.array(name).min(1).max(100)]);
/** Values of claims, which the file can have as numbers or booleans. */
const value = z.union([name, z.number(), z.boolean()]).transform(String);
const values = z.union([value.transform((one) => [one]), z.array(value).min(1).max(100)]);

const conditions = z
  .record(name, values)
  .refine((all) => Object.keys(all).length > 0, 'at least one claim is needed');

const grantSchema = z.strictObject({
  claims: conditions,
  namespace: name,
  role: z.enum(roles),
});

const consoleSchema = z.strictObject({
  clientId: name,
  /** File with the secret of the client; without it, a public one. */
  secretFile: z.string().min(1).optional(),
  scopes: z.string().max(512).optional(),
  /** Claims that make a person an operator: each of one of them. */
  operators: z.array(conditions).max(100).optional(),
});

const loginSchema = z
  .strictObject({
    issuer,
    audience: names,
    /** A public client, for `ward login`. */
    clientId: name.optional(),
    /** What `ward login` asks the issuer for. */
    scopes: z.string().max(512).optional(),
    /** The console as a client, for its button to log in. */
    console: consoleSchema.optional(),
    keyMinutes: z.int().min(1).max(1440).optional(),
    grants: z.array(grantSchema).min(1).max(1000),
  })
  .superRefine(({ issuer, grants, console }, context) => {
    const tells = ownerClaims[issuer];
    if (tells === undefined) return;
    const rules = [
      ...grants.map(({ claims }, at) => ({ claims, path: ['grants', at, 'claims'] })),
      ...(console?.operators ?? []).map((claims, at) => ({ claims, path: ['console', 'operators', at] })),
    ];
    for (const { claims, path } of rules) {
      if (tells.some((claim) => Object.hasOwn(claims, claim))) continue;
      const message = `anyone can get such a token there, so one of these claims is needed: ${tells.join(', ')}`;
      context.addIssue({ code: 'custom', path, message });
    }
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
  logins: z.array(loginSchema).max(100).optional(),
});

/** Reads the certificates too. @throws Fault CONFIG_INVALID */
export async function oidcSetting({
  issuers = [],
  allow,
  adobeAuth,
  logins = [],
}: z.output<typeof oidcSchema>): Promise<OidcSetting> {
  const listed = await Promise.all(
    issuers.map(async (each) => ({
      issuer: each.issuer,
      ca: each.caFile === undefined ? undefined : await readAuthority(each.caFile),
    })),
  );
  // The operator names these as well.
  const named = [...(adobeAuth === undefined ? [] : [adobeAuth]), ...logins].map((each) => each.issuer);
  const others = named.filter((each) => listed.every((known) => known.issuer !== each));
  return {
    listed: [...listed, ...others.map((each) => ({ issuer: each, ca: undefined }))],
    ...{ allow, adobeAuth, logins: logins.map(loginOf) },
  };
}

function loginOf(login: z.output<typeof loginSchema>): Login {
  const { clientId, scopes = 'openid', keyMinutes = defaultKeyMinutes } = login;
  return {
    issuer: login.issuer,
    audiences: login.audience,
    client: clientId === undefined ? undefined : { clientId, scopes },
    console: login.console && consoleClient(login.console),
    keyMs: keyMinutes * 60_000,
    grants: login.grants,
  };
}

function consoleClient(client: z.output<typeof consoleSchema>): ConsoleClient {
  const { clientId, secretFile, scopes = 'openid', operators = [] } = client;
  return {
    clientId,
    secret: secretFile === undefined ? undefined : readSecret(secretFile),
    scopes,
    operators,
  };
}

/** @throws Fault CONFIG_INVALID */
function readSecret(path: string): string {
  const file = readSecretFile(path);
  const why = 'problem' in file ? file.why : file.text.trim() === '' ? 'it is empty' : undefined;
  if (why !== undefined || 'problem' in file)
    throw serverFault('CONFIG_INVALID', `oidc.logins: console.secretFile: ${path}: ${why}`);
  return file.text.trim();
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `oidc.issuers: ${path}: ${messageOf(cause)}`, { cause });
  }
}
