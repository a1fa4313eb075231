/** Finds what is wrong with an image's configuration. An inspector that fails is a gap. */
import { messageOf } from '../lib/index.ts';
import type { ConfigInspector, Finding, Gap, ScannedConfig } from './types.ts';

export interface InspectedConfig {
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
}

export function inspectConfig(
  config: ScannedConfig,
  inspectors: readonly ConfigInspector[],
): InspectedConfig {
  const findings: Finding[] = [];
  const gaps: Gap[] = [];
  for (const inspector of inspectors) {
    try {
      findings.push(...inspector.inspect(config));
    } catch (error) {
      gaps.push({ path: '', reason: `${inspector.name}: ${messageOf(error)}`.slice(0, 500) });
    }
  }
  return { findings, gaps };
}
