/** Who looks at files and configurations for what is wrong. */

import type { InspectorModule } from './processes/scan-process.ts';
import { readRulesFiles } from './rules/rules-files.ts';
import type { Finding, InspectorSet } from './types.ts';

interface InspectorOptions {
  /** A folder with files of rules that replace those of Ward by name; further `.yar` files come in addition. */
  readonly rulesDir?: string | undefined;
  /** What is not looked for, and so costs nothing. */
  readonly without?: readonly Finding['class'][] | undefined;
}

export interface Inspectors {
  /** For the process that asks. @throws Fault RULES_INVALID */
  here(): Promise<InspectorSet>;
  /** The same for processes that scan. */
  readonly elsewhere: InspectorModule;
}

const module = new URL('./all-inspectors.ts', import.meta.url);

/**
 * An operator's rules are read at once, so that a mistake is told at the start; Ward's own when something is scanned,
 * so that a start does not wait for them.
 * @throws Fault RULES_INVALID with the file, and where in it
 */
export async function createInspectors({ rulesDir, without }: InspectorOptions = {}): Promise<Inspectors> {
  // Processes that scan may not be able to read what an operator can.
  const files = rulesDir === undefined ? undefined : readRulesFiles(rulesDir);
  let loading: Promise<InspectorSet> | undefined;
  const load = async () => (await import('./all-inspectors.ts')).inspectorsFor({ files, without });
  const here = (): Promise<InspectorSet> => {
    loading ??= load();
    return loading;
  };
  if (files !== undefined) await here();
  return { here, elsewhere: { module, data: { files, without } } };
}
