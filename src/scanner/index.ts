/** What is in an image, a folder or an archive, and what is wrong with it. */
export { scannerFaults } from './faults.ts';
export { formatReport, type ReportFormat, reportFormats } from './formats/formats.ts';
export { sortedReport } from './formats/json.ts';
export type { JudgedReport, Outcome, OutcomeReason } from './formats/judged-report.ts';
export { compareFindings, inOrder, rankOf } from './formats/order.ts';
export { parseReport } from './formats/read-report.ts';
export { adviceOf, fixOf, sentenceOf, subjectOf } from './formats/words.ts';
export * from './types.ts';
