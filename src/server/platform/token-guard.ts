/** Composes the check of bearer tokens that actions demand of their callers. */
import type { TokenGuard } from '../../api/index.ts';
import { resolverOf } from '../../egress/index.ts';
import type { Functions } from '../../functions/index.ts';
import { createIssuerKeys, createTokens, loadIssuerKeys } from '../../oidc/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import type { Context } from './context.ts';

export function createTokenGuard(
  { config, log }: Pick<Context, 'config' | 'log'>,
  { namespaces }: Pick<Functions, 'namespaces'>,
): TokenGuard {
  const { listed, allow, adobeAuth } = config.oidc;
  const { ceiling, egress } = operatorPolicy(config.sandbox);
  const load = loadIssuerKeys({
    listed,
    ceiling: allow ?? ceiling.egress,
    resolve: resolverOf(egress.resolvers),
    rulesOf: async (name) => (await namespaces.identityOf(name))?.limits.sandbox?.egress,
  });
  return { tokens: createTokens({ issuerKeys: createIssuerKeys({ load, log }) }), adobeAuth };
}
