/** Scans images, folders, code and archives: what is in them, and what is wrong. */
export { compareDigest } from './advisories/digest.ts';
export { importAdvisories } from './advisories/import.ts';
export { advisoryInputs } from './advisories/inputs.ts';
export { openAdvisories } from './advisories/open.ts';
export { advisoryStatus, listSources as advisorySourcesIn } from './advisories/status.ts';
export type {
  AdvisoryDatabase,
  AdvisoryInput,
  AdvisoryProgress,
  AdvisoryStatus,
  ImportResult,
} from './advisories/types.ts';
export { type Mirror, mirrorAt } from './advisories/update/mirror.ts';
export {
  type AdvisorySource,
  defaultAdvisorySources,
  parseAdvisorySources,
} from './advisories/update/sources.ts';
export {
  type UpdateResult,
  updateAdvisories,
} from './advisories/update/update.ts';
export { formatReport, type ReportFormat, reportFormats } from './formats/formats.ts';
export { sortedReport } from './formats/json.ts';
export {
  type Before,
  countedFindings,
  type Decision,
  type DecisionReason,
  findingsBefore,
  type JudgedReport,
  notLookedFor,
} from './formats/judged-report.ts';
export { compareFindings, inOrder } from './formats/order.ts';
export { parseReport } from './formats/read-report.ts';
export { adviceOf, outcomeInWords, remedyOf } from './formats/words.ts';
export { foundBefore } from './found-before.ts';
export { createInspectors } from './inspectors.ts';
export {
  confineScan,
  type StartProgram,
  scanCommand,
  startDirectly,
} from './processes/start-program.ts';
export { cycloneDxOf } from './sbom/cyclonedx.ts';
export { createScanner, type ScannerOptions } from './scanner.ts';
export { archiveSource } from './sources/archive.ts';
export { scannedConfig } from './sources/config.ts';
export { decompressed, spooled } from './sources/decompressed.ts';
export { layoutSource } from './sources/layout.ts';
export {
  type AdvisoryState,
  type ArtifactSource,
  type Component,
  type Distribution,
  type Finding,
  type Gap,
  type ImageSource,
  type Layer,
  type Malware,
  type Misconfiguration,
  type Report,
  type Scanner,
  type ScanOptions,
  type Secret,
  type Severity,
  type Suppressed,
  severities,
  type Vulnerability,
} from './types.ts';

/** Only servers of a cluster need it. */
export const loadSnapshots = (): Promise<typeof import('./advisories/snapshot.ts')> =>
  import('./advisories/snapshot.ts');
