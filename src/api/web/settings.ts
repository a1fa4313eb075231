/** Reads from an action's own annotations how it is offered to the web; those of packages and bindings don't count. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { JsonValue } from '../../lib/index.ts';
import { parseTokenDemand, type TokenDemand } from '../../oidc/index.ts';

export interface WebSettings {
  readonly isRaw: boolean;
  /** The action answers OPTIONS itself, and sets its own CORS headers. */
  readonly hasOwnOptions: boolean;
  readonly access: WebAccess;
  /** The caller's bearer token must satisfy each of them. */
  readonly tokens: readonly WebToken[];
}

export type WebToken =
  | { readonly kind: 'issuer'; readonly demand: TokenDemand }
  /** From the issuer that the operator chose for `require-adobe-auth`. */
  | { readonly kind: 'adobe' }
  /** For no caller: the annotation is malformed. */
  | { readonly kind: 'closed'; readonly annotation: string };

type WebAccess =
  | { readonly kind: 'open' }
  /** For callers with a key of the platform. */
  | { readonly kind: 'key' }
  /** For callers that send this in `X-Require-Whisk-Auth`. */
  | { readonly kind: 'secret'; readonly secret: string }
  /** For no caller: the annotation is malformed. */
  | { readonly kind: 'closed' };

type Annotations = readonly { readonly key: string; readonly value: JsonValue }[];

/** Returns undefined if the action is not offered to the web. */
export function webSettings(annotations: Annotations): WebSettings | undefined {
  const annotation = (key: string) => annotations.find((each) => each.key === key)?.value;
  if (annotation('web-export') !== true) return undefined;
  return {
    isRaw: annotation('raw-http') === true,
    hasOwnOptions: annotation('web-custom-options') === true,
    access: accessOf(annotation('require-whisk-auth')),
    tokens: [...issuerTokens(annotation(oidcAuth)), ...adobeTokens(annotation(adobeAuth))],
  };
}

/** @param hasKey the caller sent a valid key */
export function isAdmitted(access: WebAccess, secret: string | undefined, hasKey: boolean): boolean {
  if (access.kind === 'open') return true;
  if (access.kind === 'key') return hasKey;
  return access.kind === 'secret' && secret !== undefined && isSame(access.secret, secret);
}

function accessOf(value: JsonValue | undefined): WebAccess {
  if (value === undefined || value === false) return { kind: 'open' };
  if (value === true) return { kind: 'key' };
  if (typeof value === 'number' || typeof value === 'string')
    return { kind: 'secret', secret: String(value) };
  return { kind: 'closed' };
}

const oidcAuth = 'require-oidc-auth';
const adobeAuth = 'require-adobe-auth';

function issuerTokens(value: JsonValue | undefined): readonly WebToken[] {
  if (value === undefined || value === false) return [];
  const demand = parseTokenDemand(value);
  return [demand === undefined ? { kind: 'closed', annotation: oidcAuth } : { kind: 'issuer', demand }];
}

function adobeTokens(value: JsonValue | undefined): readonly WebToken[] {
  if (value === undefined || value === false) return [];
  return [value === true ? { kind: 'adobe' } : { kind: 'closed', annotation: adobeAuth }];
}

/** Takes the same time for a wrong secret as for the right one. */
function isSame(expected: string, sent: string): boolean {
  return timingSafeEqual(hash('sha256', expected, 'buffer'), hash('sha256', sent, 'buffer'));
}
