/** Makes all inspectors of files and configurations from the rules. Loaded when something is scanned. */
import { z } from 'zod';
import { loadDenyList } from './malware/deny-list.ts';
import { createMalwareConfigInspector, createMalwareLooker } from './malware/malware.ts';
import { loadMalwareRules } from './malware/rules.ts';
import { createFileFactInspector } from './misconfiguration/file-facts.ts';
import { createImageFactInspector } from './misconfiguration/image-facts.ts';
import { loadMisconfigurationRules } from './misconfiguration/rules.ts';
import { createContentInspector } from './patterns/content-inspector.ts';
import { type RulesFiles, readRulesFiles } from './rules/rules-files.ts';
import { loadSecretRules } from './secrets/rules.ts';
import { createSecretConfigInspector, createSecretLooker } from './secrets/secrets.ts';
import type { Finding, InspectorSet } from './types.ts';

/**
 * @param without classes to skip; their rules are not read
 * @throws Fault RULES_INVALID with the file and the place in it
 */
export function loadInspectors(files: RulesFiles, without: readonly Finding['class'][] = []): InspectorSet {
  const malware = without.includes('malware') ? undefined : loadMalwareRules(files.yara);
  const secrets = without.includes('secret') ? undefined : loadSecretRules(files.secrets);
  const facts = without.includes('misconfiguration')
    ? undefined
    : loadMisconfigurationRules(files.misconfiguration);
  const lookers = [
    ...(malware ? [createMalwareLooker(malware, loadDenyList(files.denyList))] : []),
    ...(secrets ? [createSecretLooker(secrets)] : []),
  ];
  return {
    files: [
      ...(lookers.length === 0 ? [] : [createContentInspector(lookers)]),
      ...(facts ? [createFileFactInspector(facts)] : []),
    ],
    config: [
      ...(malware ? [createMalwareConfigInspector(malware)] : []),
      ...(secrets ? [createSecretConfigInspector(secrets)] : []),
      ...(facts ? [createImageFactInspector(facts)] : []),
    ],
  };
}

const rulesFile = z.object({ name: z.string(), text: z.string() });
/** If `files` is missing, Ward's own rules apply. */
const moduleData = z.object({
  files: z
    .object({
      yara: z.array(rulesFile),
      denyList: rulesFile,
      secrets: rulesFile,
      misconfiguration: rulesFile,
    })
    .optional(),
  without: z.array(z.enum(['vulnerability', 'malware', 'secret', 'misconfiguration'])).optional(),
});

/** The entry point for scan processes. @throws Fault RULES_INVALID */
export function inspectorsFor(data: unknown): InspectorSet {
  const { files, without } = moduleData.parse(data);
  return loadInspectors(files ?? readRulesFiles(), without);
}
