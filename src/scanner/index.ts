/** What is in an image, a folder or an archive, and what is wrong with it. */
export { compareDigest, type DigestState } from './advisories/digest.ts';
export { importAdvisories } from './advisories/import.ts';
export { advisoryInputs } from './advisories/inputs.ts';
export { openAdvisories } from './advisories/open.ts';
export { advisoryStatus } from './advisories/status.ts';
export type * from './advisories/types.ts';
export { type Mirror, mirrorAt } from './advisories/update/mirror.ts';
export {
  type AdvisorySource,
  defaultAdvisorySources,
  parseAdvisorySources,
} from './advisories/update/sources.ts';
export {
  type UpdatedSource,
  type UpdateOptions,
  type UpdateResult,
  updateAdvisories,
} from './advisories/update/update.ts';
export { scannerFaults } from './faults.ts';
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
export { compareFindings, inOrder, rankOf } from './formats/order.ts';
export { parseReport } from './formats/read-report.ts';
export { adviceOf, fixOf, outcomeInWords, remedyOf, sentenceOf, subjectOf } from './formats/words.ts';
export { foundBefore } from './found-before.ts';
export { createInspectors, type InspectorOptions, type Inspectors } from './inspectors.ts';
export type { InspectorModule } from './processes/scan-process.ts';
export {
  confineScan,
  type ScanCommand,
  type StartedProgram,
  type StartProgram,
  scanCommand,
  startDirectly,
} from './processes/start-program.ts';
export { cycloneDxOf } from './sbom/cyclonedx.ts';
export { spdxOf } from './sbom/spdx.ts';
export { createScanner, type ScannerOptions } from './scanner.ts';
export { archiveSource } from './sources/archive.ts';
export { scannedConfig } from './sources/config.ts';
export { decompressed, spooled } from './sources/decompressed.ts';
export { type ImageBlobs, imageSourceOf } from './sources/image-source.ts';
export { type Choice, layoutSource } from './sources/layout.ts';
export * from './types.ts';
export { compareVersions } from './versions/compare.ts';
