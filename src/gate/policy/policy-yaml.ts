/** The YAML of a policy: small, no aliases (a few of them unfold into more than any memory holds), no key twice. */
import { type Document, isMap, isScalar, parseDocument, visit } from 'yaml';
import { messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';

const maxBytes = 256 * 1024;

/** @throws Fault POLICY_INVALID */
export function parsePolicyYaml(text: string): unknown {
  if (Buffer.byteLength(text) > maxBytes) throw refuse(`it has more than ${maxBytes} bytes`);
  try {
    // The parser's own search for keys that are there twice takes the square of their number.
    const document = parseDocument(text, { strict: true, uniqueKeys: false });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    const twice = repeatedKey(document);
    if (twice !== undefined) throw new Error(`'${twice}' is there twice`);
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) throw refuse('aliases (*name) are not taken: write it out');
    throw refuse(messageOf(error).split('\n', 1)[0] ?? '');
  }
}

function repeatedKey(document: Document): string | undefined {
  let repeated: string | undefined;
  visit(document, (_key, node) => {
    if (!isMap(node)) return undefined;
    const keys = new Set<string>();
    for (const { key } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (isScalar(key) && keys.has(name)) repeated ??= name;
      keys.add(name);
    }
    return repeated === undefined ? undefined : visit.BREAK;
  });
  return repeated;
}

function refuse(what: string) {
  return gateFault('POLICY_INVALID', `the policy: ${what}`, { hint: 'docs/gate.md shows a whole one' });
}
