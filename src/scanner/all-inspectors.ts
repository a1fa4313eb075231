/** All who look at files and configurations for what is wrong, made from the rules. Loaded when something is scanned. */
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
 * @param without what is not looked for: its rules are not even read
 * @throws Fault RULES_INVALID with the file, and where in it
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
/** Without files: Ward's own rules. */
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

/** What a process that scans asks this module for. @throws Fault RULES_INVALID */
export function inspectorsFor(data: unknown): InspectorSet {
  const { files, without } = moduleData.parse(data);
  return loadInspectors(files ?? readRulesFiles(), without);
}
