/**
 * Gives a file to the catalogers, and writes their findings in every form of report. An error that a cataloger throws
 * becomes a gap, but a bug in it must not.
 */
import { formatReport, reportFormats } from '../../src/scanner/formats/formats.ts';
import { assemble } from '../../src/scanner/inventory/assemble.ts';
import { catalogers } from '../../src/scanner/inventory/catalogers.ts';
import { noPackageFolders } from '../../src/scanner/inventory/npm/folders.ts';
import type { FileEvidence } from '../../src/scanner/inventory/types.ts';
import { scannedFile } from '../../src/scanner/scanned-file.fixture.ts';
import type { Inventory } from '../../src/scanner/types.ts';

const mistakes = [TypeError, RangeError, ReferenceError, URIError];

/** @throws Error for a bug in a cataloger or in a report */
export async function catalog(path: string, content: Buffer): Promise<void> {
  const file = { ...scannedFile(path, content), content };
  const base = path.slice(path.lastIndexOf('/') + 1);
  const found: FileEvidence[] = [];
  for (const cataloger of catalogers.filter((each) => each.wants(file, base))) {
    try {
      const proof = await cataloger.read(file);
      if (proof) found.push({ ...proof, path });
    } catch (error) {
      if (mistakes.some((mistake) => error instanceof mistake)) throw error;
    }
  }
  const standing = found.map((evidence) => ({ evidence, originOf: () => undefined }));
  tellInAllForms(assemble({ standing, layers: [], gaps: [], folders: noPackageFolders, hasSystem: false }));
}

/** @throws Error when a form of report can't be written */
export function tellInAllForms(inventory: Inventory): void {
  const report = {
    ...({ form: 1, target: { name: 'fuzz', kind: 'folder' }, scannedAt: '2024-01-01T00:00:00Z' } as const),
    ...{ inventory, findings: [], suppressed: [], advisories: undefined },
  };
  for (const format of reportFormats)
    formatReport(format, { report, outcome: 'allow', reasons: [], breaking: new Set(), version: '1' });
}
