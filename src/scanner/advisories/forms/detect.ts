/** Detects the form of a file by how it begins, and says how to cut a file of a form into records. */
import { isJsonObject } from '../../../lib/index.ts';
import type { Form, Shape } from './form.ts';

/** Bytes of a file's beginning that detection looks at. */
export const peekBytes = 64 * 1024;

/** Undefined when the form is unknown. */
export function detectForm(peek: string, isZip: boolean): Form | undefined {
  if (isZip) return 'osv';
  return tests.find(([, test]) => test.test(peek))?.[0];
}

/** Tables are plain lines. JSON is one document, or one per line. */
export function shapeOf(form: Form, peek: string, isZip: boolean): Shape {
  if (isZip) return { kind: 'zip' };
  if (form === 'epss' || (form === 'kev' && !/^\s*[{[]/.test(peek))) return { kind: 'lines', isJson: false };
  const depth = depthOf(form, peek);
  return depth === undefined ? { kind: 'lines', isJson: true } : { kind: 'parts', depth };
}

/** The first match wins. */
const tests: readonly (readonly [Form, RegExp])[] = [
  ['epss', /^(?:#[^\n]*\n)*cve,epss\b/],
  ['kev', /^\W*cveID\b|^\s*\{[^{[]*"catalogVersion"/],
  ['alpine-secdb', /^\s*\{.*"distroversion"/s],
  ['cve-ratings', /^\s*\{[^{[]*"format"\s*:\s*"NVD_CVE"|^\s*\{\s*"cve"\s*:\s*"CVE-[^\n]*"cvss"/],
  ['ruby-advisories', /^\s*\{\s*"gem"\s*:/],
  ['lifecycle', /^\s*[{[].{0,400}?"(?:releaseCycle|cycle)"\s*:/s],
  ['node-core', /^\s*\{.{0,4000}?"vulnerable"\s*:\s*"/s],
  ['debian-tracker', /^\s*\{\s*"[^"]+"\s*:\s*\{\s*"(?:CVE|TEMP)-/],
  ['osv', /^\s*[{[].*"(?:schema_version|affected|modified)"\s*:/s],
];

/** Depth of the records in one document; undefined when each line is a document. */
function depthOf(form: Form, peek: string): number | undefined {
  const first = firstLine(peek);
  switch (form) {
    case 'debian-tracker':
      return 1;
    case 'lifecycle':
      return 1;
    case 'kev':
      return isJsonObject(first) && 'cveID' in first ? undefined : 2;
    case 'cve-ratings':
      return /^\s*\{\s*"cve"/.test(peek) ? undefined : 2;
    case 'node-core':
      return isJsonObject(first) && 'vulnerable' in first ? undefined : 1;
    case 'osv':
      if (/^\s*\[/.test(peek)) return 1;
      if (/^\s*\{\s*"vulns"\s*:/.test(peek)) return 2;
      return first === undefined ? 0 : undefined;
    default:
      return first === undefined ? 0 : undefined;
  }
}

/** Undefined when the first line is not a complete document. */
function firstLine(peek: string): unknown {
  const [line = ''] = peek.trimStart().split('\n', 1);
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
