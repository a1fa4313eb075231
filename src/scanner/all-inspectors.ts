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
import type { InspectorSet } from './types.ts';

/** @throws Fault RULES_INVALID with the file, and where in it */
export function loadInspectors(files: RulesFiles): InspectorSet {
  const malware = loadMalwareRules(files.yara);
  const denyList = loadDenyList(files.denyList);
  const secrets = loadSecretRules(files.secrets);
  const misconfiguration = loadMisconfigurationRules(files.misconfiguration);
  return {
    files: [
      createContentInspector([createMalwareLooker(malware, denyList), createSecretLooker(secrets)]),
      createFileFactInspector(misconfiguration),
    ],
    config: [
      createMalwareConfigInspector(malware),
      createSecretConfigInspector(secrets),
      createImageFactInspector(misconfiguration),
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
});

/** What a process that scans asks this module for. @throws Fault RULES_INVALID */
export function inspectorsFor(data: unknown): InspectorSet {
  return loadInspectors(moduleData.parse(data).files ?? readRulesFiles());
}
