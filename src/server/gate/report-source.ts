/**
 * Reports and verdicts for programs: a namespace sees those of subjects that were judged for it; an operator, who asks for no
 * namespace, sees all.
 */
import type { ReportSource } from '../../api/index.ts';
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { Gate, GateStore, Verdict } from '../../gate/index.ts';
import { cycloneDxOf, type Report, sortedReport } from '../../scanner/index.ts';
import { reportPage } from './report-page.ts';
import { searchFindings, searchPackages, searchSilenced } from './report-search.ts';
import type { VexSource } from './vex-source.ts';
import { shownVex } from './vex-view.ts';

export function createReportSource(
  gate: Pick<Gate, 'report'>,
  store: Pick<GateStore, 'judged' | 'report' | 'subjects' | 'verdicts'>,
  vex: Pick<VexSource, 'current' | 'source' | 'problem'>,
): ReportSource {
  const verdictsFor = async (digest: string, namespace: string | undefined): Promise<readonly Verdict[]> => {
    if (!isDigest(digest)) return [];
    const all = await store.verdicts(digest);
    return namespace === undefined ? all : all.filter((verdict) => verdict.namespace === namespace);
  };
  const withReport = async <Shown>(
    digest: string,
    namespace: string | undefined,
    shape: (report: Report) => Shown,
  ): Promise<Shown | undefined> => {
    if (!isDigest(digest) || (await verdictsFor(digest, namespace)).length === 0) return undefined;
    const report = await gate.report(digest);
    return report === undefined ? undefined : shape(report);
  };
  const placeFor = (namespace: string | undefined) => ({
    store,
    isVisible: async (digest: Digest) => (await verdictsFor(digest, namespace)).length > 0,
  });
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
    async judged({ namespace = '', ...query }) {
      return (await store.judged({ namespace, ...query })).map(({ verdict, ...about }) => ({
        ...about,
        ...summaryOf(verdict),
      }));
    },
    findings: (query) => searchFindings({ ...query, ...placeFor(query.namespace) }),
    packages: (query) => searchPackages({ ...query, ...placeFor(query.namespace) }),
    vex: async (page) => shownVex(vex, page),
    silenced: (after) => searchSilenced({ ...placeFor(undefined), after }, vex.current().statements),
  };
}

/** A verdict without the ids of its findings, of which it can have thousands. */
function summaryOf({ stage, namespace, outcome, judgedAt, summary, reasons, counts }: Verdict) {
  const rules = reasons.map(({ rule, outcome, text }) => ({ rule, outcome, text }));
  return { stage, namespace, outcome, judgedAt, summary, rules, counts };
}
