/** Reads an inventory from an SBOM that another program wrote. Its omissions become gaps. */
import { isJsonObject, nestsDeeperThan } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import type { Inventory } from '../types.ts';
import { readCycloneDx } from './read-cyclonedx.ts';
import { readSpdx } from './read-spdx.ts';

const maxBytes = 64 * 1024 * 1024;
const maxDepth = 100;

/** Reads CycloneDX 1.4 to 1.6 and SPDX 2.2 and 2.3, as JSON. @throws Fault SBOM_INVALID */
export function readSbom(bytes: Uint8Array): Inventory {
  if (bytes.length > maxBytes) throw scannerFault('SBOM_INVALID', 'the document has more than 64 MiB');
  const document = parse(bytes);
  if (isJsonObject(document) && document['bomFormat'] === 'CycloneDX') return readCycloneDx(document);
  if (isJsonObject(document) && typeof document['spdxVersion'] === 'string') return readSpdx(document);
  throw scannerFault('SBOM_INVALID', 'the document is neither CycloneDX nor SPDX', {
    hint: 'Write it as CycloneDX 1.6 or SPDX 2.3, as JSON.',
  });
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw scannerFault('SBOM_INVALID', 'the document is not UTF-8', { cause });
  }
  if (nestsDeeperThan(text, maxDepth)) throw scannerFault('SBOM_INVALID', 'the document nests too deeply');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw scannerFault('SBOM_INVALID', 'the document is not JSON', {
      hint: 'Ward does not read the XML and tag-value forms: write it as JSON.',
      cause,
    });
  }
}
