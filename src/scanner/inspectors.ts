/** Who looks at files and configurations for what is wrong. */
import type { InspectorModule } from './processes/scan-process.ts';
import type { InspectorSet } from './types.ts';

export interface InspectorOptions {
  /** A folder with files of rules that replace those of Ward by name; further `.yar` files come in addition. */
  readonly rulesDir?: string | undefined;
}

export interface Inspectors {
  /** For the process that asks. @throws Fault RULES_INVALID */
  here(): Promise<InspectorSet>;
  /** The same for processes that scan: each reads the rules for itself. */
  readonly elsewhere: InspectorModule;
}

const module = new URL('./all-inspectors.ts', import.meta.url);

/**
 * An operator's rules are read at once, so that a mistake is told at the start; Ward's own when something is scanned,
 * so that a start does not wait for them.
 * @throws Fault RULES_INVALID with the file, and where in it
 */
export async function createInspectors({ rulesDir }: InspectorOptions = {}): Promise<Inspectors> {
  let loading: Promise<InspectorSet> | undefined;
  const load = async () => (await import('./all-inspectors.ts')).loadInspectors(rulesDir);
  const here = (): Promise<InspectorSet> => {
    loading ??= load();
    return loading;
  };
  if (rulesDir !== undefined) await here();
  return { here, elsewhere: { module, data: { rulesDir } } };
}
