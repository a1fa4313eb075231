/** Writes a report in the formats of other programs. */
import { cycloneDxOf } from '../sbom/cyclonedx.ts';
import { spdxOf } from '../sbom/spdx.ts';
import { gitlabOf } from './gitlab.ts';
import { jsonOf, sortedReport } from './json.ts';
import type { JudgedReport } from './judged-report.ts';
import { junitOf } from './junit.ts';
import { sarifOf } from './sarif.ts';

export const reportFormats = ['json', 'sarif', 'cyclonedx', 'spdx', 'junit', 'gitlab'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** Returns the whole document with a final line end. The same report gives the same text. */
export function formatReport(format: ReportFormat, judged: JudgedReport): string {
  switch (format) {
    case 'json':
      return document(jsonOf(judged));
    case 'sarif':
      return document(sarifOf(judged));
    case 'gitlab':
      return document(gitlabOf(judged));
    case 'cyclonedx':
      return document(cycloneDxOf(sortedReport(judged.report)));
    case 'spdx':
      return document(spdxOf(sortedReport(judged.report)));
    case 'junit':
      return junitOf(judged);
  }
}

function document(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
