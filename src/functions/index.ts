export type { CodeGate, GateVerdict, Runnable, RunVerdict } from './actions/code-gate.ts';
export { codeGraceMs, createCodeSweep } from './actions/code-sweep.ts';
export { keepCode } from './actions/keep-code.ts';
export { familyOf, type Runtime } from './actions/runtimes.ts';
export { checkActivationId } from './activations/activations.ts';
export type { InvokeAnswer } from './activations/invocations.ts';
export {
  serialiseRecord,
  serialiseResult,
} from './activations/record.ts';
export type { RecordWatch } from './activations/record-quota.ts';
export { isArrayResult, jsonOf } from './activations/result.ts';
export { isSampledTask, type TracedActivation, type Tracing } from './activations/trace-context.ts';
export type { BuiltinAction } from './builtin.ts';
export type { ProvedDomain, ServedDomain } from './domains/domain-table.ts';
export type { DomainCertificate, DomainRules, DomainService } from './domains/domains.ts';
export { txtResolverOf } from './domains/txt-records.ts';
export { noticedMs } from './entities/change-watch.ts';
export type { PlainRef, RevisionCheck } from './entities/entity-row.ts';
export {
  type EntityName,
  type EntityRef,
  fullNameOf,
  type NamespaceName,
  type NamespaceRef,
  parseEntityName,
  parseNamespaceName,
  parseNamespaceSegment,
} from './entities/names.ts';
export type { ListRange } from './entities/page.ts';
export type { ParameterReads } from './entities/parameter-reads.ts';
export { effectiveAsk } from './entities/sandbox-ask.ts';
export { webSecretsOf } from './entities/web-secret.ts';
export { functionFault, malformed, notAuthorized, notFound, tooLarge } from './faults.ts';
export type { OpenedWebhook } from './feeds/webhooks.ts';
export { createFunctions, type Functions, type FunctionsOptions } from './functions.ts';
export { type ApiBackend, apiVerbs } from './gateway/api-document-types.ts';
export { createApiManager } from './gateway/apimgmt.ts';
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
export type { ForwardingRules, LogForwardingService } from './log-forwarding/log-forwarding.ts';
export { type BrowserLogins, callbackPath } from './logins/browser-logins.ts';
export type { LoginGrant, LoginRole } from './logins/grants.ts';
export {
  type ConsoleClient,
  type Login,
  type LoginOptions,
  noLogins,
  type TokenExchange,
} from './logins/token-exchange.ts';
export {
  type CallFigures,
  type CallFiguresQuery,
  type CallWindow,
  callFigures,
  callFiguresMark,
  callWindows,
  isCallWindow,
  type NamespaceCalls,
} from './namespaces/call-figures.ts';
export {
  type EgressQuery,
  type EgressTarget,
  type EgressTargets,
  egressKeptDays,
  listEgress,
  parseEgressPlace,
} from './namespaces/egress-targets.ts';
export type { KeyDescription, KeyRequest, NewKey } from './namespaces/further-keys.ts';
export { hasRight, type KeyRight, type KeyScope, rightsOf } from './namespaces/key-scopes.ts';
export type { NamespaceLimitsPatch, NamespaceLimitValues } from './namespaces/namespace-limits.ts';
export {
  actorOf,
  type Identity,
  keyActorOf,
  type NamespaceService,
  Namespaces,
  systemNamespace,
} from './namespaces/namespaces.ts';
export {
  type DiskAdmission,
  measureCode,
  type NamespaceUsage,
} from './namespaces/quotas.ts';
export { createRetention } from './namespaces/retention.ts';
export { startStoredSamples } from './namespaces/stored-samples.ts';
export {
  dayOf,
  parseDay,
  type UsageRow,
  usageCsv,
  usageKeptDays,
  usageRows,
} from './namespaces/usage.ts';
export type { PackageService } from './packages/packages.ts';
export { type ResealReport, reseal, surveyVault, unreadableIn } from './rotation/reseal.ts';
export { acmePlace } from './rotation/sealed-rows.ts';
export type { Credential, CredentialEnd, CredentialWatch } from './sessions/credential-watch.ts';
export {
  type BegunSession,
  newOperatorLogin,
  type OperatorLogin,
  type OperatorSession,
  type SessionOwner,
  type SessionService,
} from './sessions/sessions.ts';
export type { DeliveryService } from './triggers/deliveries.ts';
export { maxDeadLetters } from './triggers/delivery-tries.ts';
export type { FiringService } from './triggers/firing.ts';
export type { RuleService } from './triggers/rules.ts';
export type { TriggerService } from './triggers/triggers.ts';
export {
  createVault,
  sealingKeyOf,
  type Vault,
  type VaultKey,
  type VaultKeySource,
  type VaultKeys,
} from './vault/vault.ts';
export { createViolationAlarm } from './violations/violation-alarm.ts';
export { createViolationLog } from './violations/violation-log.ts';
