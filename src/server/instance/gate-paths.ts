/** Paths of the gate and the scanner in a data folder. */
import { join } from 'node:path';

export interface GatePaths {
  /** Reports, verdicts, the audit log. */
  readonly database: string;
  /** The operator's policy; without it Ward's own applies. */
  readonly policy: string;
  /** What operators waived while Ward ran. */
  readonly waivers: string;
  /** The operator's VEX documents. */
  readonly vex: string;
  /** The file of advisories. */
  readonly advisories: string;
  /** Cached results of scanned layers. */
  readonly layers: string;
  /** A folder with the operator's own scanner rules, if any. */
  readonly rules: string;
  /** Private halves of keys that Ward signs with. */
  readonly keys: string;
}

export function gatePaths(dataDir: string): GatePaths {
  return {
    database: join(dataDir, 'gate', 'gate.db'),
    policy: join(dataDir, 'gate', 'policy.yaml'),
    waivers: join(dataDir, 'gate', 'waivers.json'),
    vex: join(dataDir, 'gate', 'vex'),
    advisories: join(dataDir, 'advisories', 'advisories.db'),
    layers: join(dataDir, 'gate', 'layers'),
    rules: join(dataDir, 'gate', 'rules'),
    keys: join(dataDir, 'gate', 'keys'),
  };
}
