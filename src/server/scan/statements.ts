/** The findings of a scan and the content of an image, as predicates of statements about it. */

import type { Digest } from '../../blobs/index.ts';
import { predicateTypes, type Statement, vulnerabilityPredicate } from '../../gate/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { cycloneDxOf, type Report, sortedReport } from '../../scanner/index.ts';
import { buildInfo } from '../build-info.ts';

/** Two statements, to be signed: the SBOM, and the scan. */
export function scanStatements(report: Report, subject: { readonly name: string; readonly digest: Digest }) {
  const subjects = [subject];
  return [
    { subjects, predicateType: predicateTypes.cycloneDx, predicate: plain(cycloneDxOf(report)) },
    { subjects, predicateType: predicateTypes.vulnerabilities, predicate: scanPredicate(report) },
  ] satisfies readonly Statement[];
}

export function scanPredicate(report: Report): JsonObject {
  return vulnerabilityPredicate({
    scannerUri: 'urn:ward:scanner',
    scannerVersion: buildInfo.buildno,
    advisoryRevision: report.advisories?.revision ?? '',
    result: plain(sortedReport(report)),
    startedAt: report.scannedAt,
    finishedAt: report.scannedAt,
  });
}

function plain(value: object): JsonValue {
  return JSON.parse(JSON.stringify(value));
}
