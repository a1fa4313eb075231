export type { ActionDescription, ActionSummary } from './action.ts';
export type { ActionService, ActionView } from './actions.ts';
export { type ActivationFilter, type ActivationService, checkActivationId } from './activations.ts';
export { type ApiVerb, apiLimits, apiVerbs } from './api-document-types.ts';
export { type ApiManagerOptions, createApiManager } from './apimgmt.ts';
export { type ApiRoute, type ApiService, createApis } from './apis.ts';
export type { BuiltinAction, BuiltinContext } from './builtin.ts';
export { sweepCode } from './code-sweep.ts';
export type { DeadLetterFilter, DeliveryService } from './deliveries.ts';
export type { DeadLetter } from './delivery.ts';
export type { PlainRef } from './entity-row.ts';
export { functionFault, functionFaultKinds, malformed, notAuthorized, notFound, tooLarge } from './faults.ts';
export {
  createFeeds,
  defaultFeedLimits,
  type FeedLimits,
  type Feeds,
  type FeedsOptions,
} from './feeds/feeds.ts';
export type { WebhookDoor } from './feeds/webhooks.ts';
export type { FireRequest, FiringService } from './firing.ts';
export type { Follower } from './following.ts';
export { createFunctions, type Functions, type FunctionsOptions } from './functions.ts';
export type { KeyDescription, KeyRequest, NewKey } from './further-keys.ts';
export type { InvocationService, InvokeAnswer, InvokeRequest } from './invocations.ts';
export { hasRight, type KeyScope, keyScopes, type Right, requireRight } from './key-scopes.ts';
export { type ApiKey, formatApiKey, parseAuthorization } from './keys.ts';
export {
  defaultLimits,
  type Range,
  type Span,
  type SystemLimits,
  type UserLimits,
} from './limits.ts';
export {
  type EntityName,
  type EntityRef,
  fullNameOf,
  type NamespaceName,
  type NamespaceRef,
  parseEntityName,
  parseNamespaceName,
  parseNamespaceSegment,
  pathOf,
} from './names.ts';
export type { NamespaceLimitsPatch, NamespaceLimitValues } from './namespace-limits.ts';
export {
  createNamespaces,
  type Identity,
  type NamespaceDescription,
  type NamespaceService,
  systemNamespace,
} from './namespaces.ts';
export type { PackageService } from './packages.ts';
export type { Page } from './page.ts';
export { type ActivationRecord, serialiseRecord, statusCodeOf } from './record.ts';
export { type ResealReport, reseal, surveyVault, type VaultSurvey } from './reseal.ts';
export type { ResumeReport } from './resume.ts';
export { createRetention, type Retention, type RetentionOptions } from './retention.ts';
export type { RuleService } from './rules.ts';
export { defaultRuntimes, familyOf, type Runtime } from './runtimes.ts';
export type { TriggerService } from './triggers.ts';
export { createVault, type Vault, type VaultKey, type VaultKeySource, type VaultKeys } from './vault.ts';
export { splitWebName, type WebExtension, webExtensions } from './web-name.ts';
