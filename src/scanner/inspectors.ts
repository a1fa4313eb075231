/** Chooses the rules for inspectors of files and configurations. */

import type { InspectorModule } from './processes/scan-process.ts';
import { readRulesFiles } from './rules/rules-files.ts';
import type { Finding, InspectorSet } from './types.ts';

interface InspectorOptions {
  /** A folder of rules files. They replace Ward's files of the same name; further `.yar` files are added. */
  readonly rulesDir?: string | undefined;
  /** Classes to skip. */
  readonly without?: readonly Finding['class'][] | undefined;
}

export interface Inspectors {
  /** For this process. @throws Fault RULES_INVALID */
  here(): Promise<InspectorSet>;
  /** For scan processes. */
  readonly elsewhere: InspectorModule;
}

const module = new URL('./all-inspectors.ts', import.meta.url);

/**
 * Reads an operator's rules at once, so that a mistake is reported at the start. Ward's own are read at the first scan, so
 * that the start does not wait for them.
 * @throws Fault RULES_INVALID with the file and the place in it
 */
export async function createInspectors({ rulesDir, without }: InspectorOptions = {}): Promise<Inspectors> {
  // Scan processes may not have the right to read an operator's files.
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
