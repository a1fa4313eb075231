/**
 * Which key an action with `provide-api-key` gets. An action of the caller's namespace gets the key that the caller
 * sent. An action in another namespace's package is lent a key for the run, with the scope that the package declares,
 * unless the caller's binding passes on the key itself.
 */
import { type KeyValue, valueFor } from '../entities/key-values.ts';
import type { NamespaceName } from '../entities/names.ts';
import { malformed } from '../faults.ts';
import { type LentScope, lentScopes } from '../namespaces/key-scopes.ts';
import type { ResolvedPackage } from './package-resolution.ts';

/** `own`: the caller's key. Otherwise the largest scope of a lent key. */
export type KeyTerms = 'own' | LentScope;

const scopeAnnotation = 'api-key-scope';
const passAnnotation = 'pass-api-key';

/** @param caller the invoking namespace */
export function keyTermsOf({ pkg, provider }: ResolvedPackage, caller: NamespaceName): KeyTerms {
  const home = provider ?? pkg;
  if (home.ref.namespace === caller) return 'own';
  const isAsked = pkg.ref.namespace === caller && valueFor(pkg.annotations, passAnnotation) === true;
  return isAsked ? 'own' : (declaredScope(home.annotations) ?? 'none');
}

/** Checks the annotations of a package that is being written. @throws Fault BODY_INVALID */
export function checkKeyAnnotations(annotations: readonly KeyValue[]): void {
  const scope = valueFor(annotations, scopeAnnotation);
  if (scope !== undefined && declaredScope(annotations) === undefined)
    throw malformed(`the annotation '${scopeAnnotation}' must be one of ${lentScopes.join(', ')}`);
  const pass = valueFor(annotations, passAnnotation);
  if (pass !== undefined && typeof pass !== 'boolean')
    throw malformed(`the annotation '${passAnnotation}' must be true or false`);
}

function declaredScope(annotations: readonly KeyValue[]): LentScope | undefined {
  const value = valueFor(annotations, scopeAnnotation);
  return lentScopes.find((each) => each === value);
}
