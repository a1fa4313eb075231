export type { ActionDescription, ActionSummary } from './action.ts';
export type { ActionService, ActionView, Page } from './actions.ts';
export { type ActivationFilter, type ActivationService, checkActivationId } from './activations.ts';
export { functionFault, functionFaultKinds, malformed, notAuthorized, notFound, tooLarge } from './faults.ts';
export { createFunctions, type Functions, type FunctionsOptions } from './functions.ts';
export type { InvocationService, InvokeAnswer, InvokeRequest } from './invocations.ts';
export { type ApiKey, formatApiKey, parseAuthorization } from './keys.ts';
export {
  defaultLimits,
  type NamespaceRatesPatch,
  type Range,
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
export {
  createNamespaces,
  type Identity,
  type NamespaceDescription,
  type NamespaceService,
} from './namespaces.ts';
export { type ActivationRecord, serialiseRecord, statusCodeOf } from './record.ts';
export type { ResumeReport } from './resume.ts';
export { defaultRuntimes, familyOf, type Runtime } from './runtimes.ts';
