/** Which activations to list: `hello`, `pack/hello`, `/ns`, `/ns/hello`, `/ns/pack/hello`. */
import { parseEntityName, parseNamespace } from '../entity-name.ts';

interface NamedActivations {
  readonly namespace: string;
  readonly name: string | undefined;
}

/** @throws Fault NAME_INVALID */
export function parseActivationFilter(text: string | undefined, namespace: string): NamedActivations {
  if (text === undefined) return { namespace, name: undefined };
  if (/^\/[^/]*\/?$/.test(text)) return { namespace: parseNamespace(text, namespace), name: undefined };
  const name = parseEntityName(text, namespace);
  return { namespace: name.namespace, name: name.path };
}
