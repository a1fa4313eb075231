/**
 * The secret of a web action: a text or a number in its annotation `require-whisk-auth`, which callers send. Only a read of the action
 * itself by its namespace shows it; OpenWhisk shows it to everyone who can list the action.
 */
import type { KeyValue } from './key-values.ts';

/** The annotations whose values are secrets. */
export function webSecretsOf(annotations: readonly KeyValue[]): readonly KeyValue[] {
  return annotations.filter(isSecret);
}

/** The annotations as lists and other namespaces show them: a secret's value is null, as that of a hidden parameter. */
export function withoutWebSecrets(annotations: readonly KeyValue[]): readonly KeyValue[] {
  return annotations.map((each) => (isSecret(each) ? { key: each.key, value: null } : each));
}

function isSecret({ key, value }: KeyValue): boolean {
  return key === 'require-whisk-auth' && (typeof value === 'string' || typeof value === 'number');
}
