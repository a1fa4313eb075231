/** Reports and verdicts for programs: a namespace sees those of subjects that were judged for it. */
import type { ReportSource } from '../../api/index.ts';
import { isDigest } from '../../blobs/index.ts';
import type { Gate, GateStore, Verdict } from '../../gate/index.ts';
import { cycloneDxOf, type Report, sortedReport } from '../../scanner/index.ts';
import { reportPage } from './report-page.ts';

export function createReportSource(
  gate: Pick<Gate, 'report'>,
  store: Pick<GateStore, 'verdicts'>,
): ReportSource {
  const verdictsFor = async (digest: string, namespace: string): Promise<readonly Verdict[]> => {
    if (!isDigest(digest)) return [];
    return (await store.verdicts(digest)).filter((verdict) => verdict.namespace === namespace);
  };
  const withReport = async (
    digest: string,
    namespace: string,
    shape: (report: Report) => object,
  ): Promise<object | undefined> => {
    if (!isDigest(digest) || (await verdictsFor(digest, namespace)).length === 0) return undefined;
    const report = await gate.report(digest);
    return report === undefined ? undefined : shape(report);
  };
  return {
    report: (digest, namespace) => withReport(digest, namespace, sortedReport),
    sbom: (digest, namespace) => withReport(digest, namespace, cycloneDxOf),
    async page(digest, namespace) {
      const verdicts = await verdictsFor(digest, namespace);
      if (!isDigest(digest) || verdicts.length === 0) return undefined;
      return reportPage(digest, verdicts, await gate.report(digest));
    },
    async verdicts(digest, namespace) {
      const verdicts = await verdictsFor(digest, namespace);
      return verdicts.length === 0 ? undefined : verdicts;
    },
  };
}
