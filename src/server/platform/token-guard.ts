/** Composes the checks of bearer tokens: those that actions demand of their callers, and those that are worth a key. */
import type { TokenGuard } from '../../api/index.ts';
import { type EgressRule, resolverOf } from '../../egress/index.ts';
import type { Functions, LoginOptions } from '../../functions/index.ts';
import {
  createCodeFlow,
  createIssuerKeys,
  createTokens,
  loadIssuerKeys,
  type Tokens,
} from '../../oidc/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import type { Context } from './context.ts';

type Settings = Pick<Context, 'config' | 'log'>;

export function createTokenGuard(
  context: Settings,
  { namespaces }: Pick<Functions, 'namespaces'>,
): TokenGuard {
  const rulesOf = async (name: string) => (await namespaces.identityOf(name))?.limits.sandbox?.egress;
  return { tokens: tokensUnder(context, rulesOf), adobeAuth: context.config.oidc.adobeAuth };
}

export function loginOptions(context: Settings): LoginOptions {
  // No namespace names the issuers of logins.
  const { config, log } = context;
  const { listed, logins } = config.oidc;
  const { egress } = operatorPolicy(config.sandbox);
  const codeFlow = createCodeFlow({ listed, log, resolve: resolverOf(egress.resolvers) });
  return { logins, tokens: tokensUnder(context, async () => []), codeFlow };
}

function tokensUnder(
  { config, log }: Settings,
  rulesOf: (namespace: string) => Promise<readonly EgressRule[] | undefined>,
): Tokens {
  const { listed, allow } = config.oidc;
  const { ceiling, egress } = operatorPolicy(config.sandbox);
  const load = loadIssuerKeys({
    listed,
    ceiling: allow ?? ceiling.egress,
    resolve: resolverOf(egress.resolvers),
    rulesOf,
  });
  return createTokens({ issuerKeys: createIssuerKeys({ load, log }) });
}
