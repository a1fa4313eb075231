/** All who look at files and configurations for what is wrong, made from the rules. */
import { z } from 'zod';
import { loadDenyList } from './malware/deny-list.ts';
import { createMalwareConfigInspector, createMalwareLooker } from './malware/malware.ts';
import { loadMalwareRules } from './malware/rules.ts';
import { createFileFactInspector } from './misconfiguration/file-facts.ts';
import { createImageFactInspector } from './misconfiguration/image-facts.ts';
import { loadMisconfigurationRules } from './misconfiguration/rules.ts';
import { createContentInspector } from './patterns/content-inspector.ts';
import { readRulesFiles } from './rules/rules-files.ts';
import { loadSecretRules } from './secrets/rules.ts';
import { createSecretConfigInspector, createSecretLooker } from './secrets/secrets.ts';
import type { InspectorModule } from './threads/thread.ts';
import type { ConfigInspector, FileInspector } from './types.ts';

export interface InspectorOptions {
  /** A folder with files of rules that replace those of Ward by name; further `.yar` files come in addition. */
  readonly rulesDir?: string | undefined;
}

export interface Inspectors {
  readonly files: readonly FileInspector[];
  /** The same for threads: each reads the rules for itself. */
  readonly threads: InspectorModule;
  readonly config: readonly ConfigInspector[];
}

/**
 * An operator's rules are read at once, so that a mistake is told at the start; Ward's own when something is scanned,
 * so that a start does not wait for them.
 * @throws Fault RULES_INVALID with the file, and where in it
 */
export async function createInspectors({ rulesDir }: InspectorOptions = {}): Promise<Inspectors> {
  let loaded: Rules | undefined;
  const rules = (): Rules => {
    loaded ??= loadRules(rulesDir);
    return loaded;
  };
  if (rulesDir !== undefined) rules();
  return {
    get files() {
      return fileInspectorsOf(rules());
    },
    threads: { module: new URL(import.meta.url), data: { rulesDir } },
    config: [
      lazily('malware', () => createMalwareConfigInspector(rules().malware)),
      lazily('secrets', () => createSecretConfigInspector(rules().secrets)),
      lazily('image-facts', () => createImageFactInspector(rules().misconfiguration)),
    ],
  };
}

function lazily(name: string, make: () => ConfigInspector): ConfigInspector {
  let made: ConfigInspector | undefined;
  const inspector = (): ConfigInspector => {
    made ??= make();
    return made;
  };
  return {
    name,
    get revision() {
      return inspector().revision;
    },
    inspect: (config) => inspector().inspect(config),
  };
}

/** What a thread that scans asks this module for. @throws Fault RULES_INVALID */
export function createFileInspectors(data: unknown): readonly FileInspector[] {
  return fileInspectorsOf(loadRules(threadData.parse(data).rulesDir));
}

const threadData = z.object({ rulesDir: z.string().optional() });

type Rules = ReturnType<typeof loadRules>;

function loadRules(rulesDir: string | undefined) {
  const files = readRulesFiles(rulesDir);
  return {
    malware: loadMalwareRules(files.yara),
    denyList: loadDenyList(files.denyList),
    secrets: loadSecretRules(files.secrets),
    misconfiguration: loadMisconfigurationRules(files.misconfiguration),
  };
}

function fileInspectorsOf(rules: Rules): readonly FileInspector[] {
  return [
    createContentInspector([
      createMalwareLooker(rules.malware, rules.denyList),
      createSecretLooker(rules.secrets),
    ]),
    createFileFactInspector(rules.misconfiguration),
  ];
}
