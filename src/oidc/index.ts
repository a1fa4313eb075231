/** Bearer tokens of OpenID issuers: where their keys are, and whether a token is valid. */
export { type BrowserAway, type CodeClient, type CodeFlow, createCodeFlow } from './code-flow.ts';
export { parseTokenDemand, type TokenDemand, tokenDemandSchema } from './demand.ts';
export { oidcFault } from './faults.ts';
export { type Issuer, parseIssuer } from './issuer.ts';
export { type ListedIssuer, loadIssuerKeys } from './issuer-documents.ts';
export { createIssuerKeys } from './issuer-keys.ts';
export { createTokens, issuerIn, type Tokens, tokenId } from './tokens.ts';
