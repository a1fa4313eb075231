export type { ActionDescription, ActionSummary } from './actions/action.ts';
export type { ActionService, ActionView } from './actions/actions.ts';
export type { CodeGate, Deployment, GateVerdict, Runnable } from './actions/code-gate.ts';
export { codeGraceMs, createCodeSweep } from './actions/code-sweep.ts';
export { defaultRuntimes, familyOf, type Runtime } from './actions/runtimes.ts';
export {
  type ActivationService,
  checkActivationId,
} from './activations/activations.ts';
export type { Follower } from './activations/following.ts';
export type { InvocationService, InvokeAnswer, InvokeRequest } from './activations/invocations.ts';
export {
  type ActivationRecord,
  serialiseRecord,
  serialiseResult,
  statusCodeOf,
} from './activations/record.ts';
export type { RecordWatch } from './activations/record-quota.ts';
export { isArrayResult, jsonOf } from './activations/result.ts';
export type { ResumeReport } from './activations/resume.ts';
export { loadPermission } from './activations/run-permission.ts';
export type { BuiltinAction, BuiltinContext } from './builtin.ts';
export type { PlainRef } from './entities/entity-row.ts';
export { noticedMs } from './entities/foreign-writes.ts';
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
} from './entities/names.ts';
export type { ListRange } from './entities/page.ts';
export { functionFault, functionFaultKinds, malformed, notAuthorized, notFound, tooLarge } from './faults.ts';
export {
  createFeeds,
  defaultFeedLimits,
  type FeedLimits,
  type Feeds,
  type FeedsOptions,
} from './feeds/feeds.ts';
export type { WebhookDoor } from './feeds/webhooks.ts';
export { createFunctions, type Functions, type FunctionsOptions } from './functions.ts';
export { type ApiBackend, type ApiVerb, apiLimits, apiVerbs } from './gateway/api-document-types.ts';
export { type ApiManagerOptions, createApiManager } from './gateway/apimgmt.ts';
export { type ApiRoute, type ApiService, createApis } from './gateway/apis.ts';
export { splitWebName, type WebExtension, webExtensions } from './gateway/web-name.ts';
export {
  defaultLimits,
  quotaNames,
  type Range,
  type Span,
  type SystemLimits,
  type UserLimits,
} from './limits.ts';
export type { KeyDescription, KeyRequest, NewKey } from './namespaces/further-keys.ts';
export { hasRight, type KeyRight, type KeyScope, keyScopes, requireRight } from './namespaces/key-scopes.ts';
export { type ApiKey, formatApiKey, parseAuthorization } from './namespaces/keys.ts';
export type { NamespaceLimitsPatch, NamespaceLimitValues } from './namespaces/namespace-limits.ts';
export {
  createNamespaces,
  type Identity,
  type NamespaceDescription,
  type NamespaceService,
  systemNamespace,
} from './namespaces/namespaces.ts';
export {
  type DiskAdmission,
  measureCode,
  type NamespaceUsage,
  type QuotaUsage,
} from './namespaces/quotas.ts';
export { createRetention, type Retention, type RetentionOptions } from './namespaces/retention.ts';
export type { PackageService } from './packages/packages.ts';
export { type ResealReport, reseal, surveyVault, unreadableIn, type VaultSurvey } from './rotation/reseal.ts';
export type { DeadLetterFilter, DeliveryService } from './triggers/deliveries.ts';
export type { DeadLetter } from './triggers/delivery.ts';
export type { FireRequest, FiringService } from './triggers/firing.ts';
export type { RuleService } from './triggers/rules.ts';
export type { TriggerService } from './triggers/triggers.ts';
export {
  createVault,
  type Vault,
  type VaultKey,
  type VaultKeySource,
  type VaultKeys,
} from './vault/vault.ts';
export {
  type AlarmOptions,
  createViolationAlarm,
  type ViolationAlert,
} from './violations/violation-alarm.ts';
export { createViolationLog, type ViolationLog } from './violations/violation-log.ts';
