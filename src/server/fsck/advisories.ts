/** Checks the file of advisories: by SQLite's own check, and by the digest that its import has recorded. */
import { existsSync } from 'node:fs';
import { messageOf } from '../../lib/index.ts';
import { advisoryStatus, compareDigest } from '../../scanner/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import type { Findings } from './findings.ts';

const remedy = 'move the file away, and get the advisories again with ward advisories update';

export async function checkAdvisories(
  dataDir: string,
  findings: Findings,
  onStep: (text: string) => void,
): Promise<void> {
  const { advisories: path } = gatePaths(dataDir);
  if (!existsSync(path)) return;
  onStep('reading the advisories');
  try {
    findings.checked.advisories += advisoryStatus({ path })?.state.count ?? 0;
    const state = await compareDigest(path);
    if (state === 'differs')
      findings.tell('advisories', path, 'its content differs from what was imported', remedy);
    if (state === 'unknown') findings.note('advisories: no import has noted a digest of this file');
  } catch (error) {
    findings.tell('advisories', path, messageOf(error), remedy);
  }
}
