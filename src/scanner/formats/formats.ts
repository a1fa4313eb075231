/** The ways in which a report goes to other programs. */
import { gitlabOf } from './gitlab.ts';
import { jsonOf } from './json.ts';
import type { JudgedReport } from './judged-report.ts';
import { junitOf } from './junit.ts';
import { sarifOf } from './sarif.ts';

export const reportFormats = ['json', 'sarif', 'junit', 'gitlab'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** The whole document, ending in a line end. The same report gives the same text. */
export function formatReport(format: ReportFormat, judged: JudgedReport): string {
  switch (format) {
    case 'json':
      return document(jsonOf(judged));
    case 'sarif':
      return document(sarifOf(judged));
    case 'gitlab':
      return document(gitlabOf(judged));
    case 'junit':
      return junitOf(judged);
  }
}

function document(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
