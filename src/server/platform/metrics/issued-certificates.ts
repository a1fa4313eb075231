/** The certificates of an authority, by their names: at most one for the server and one for each of 100 domains. */
import { Gauge, type Registry } from 'prom-client';
import type { CertificateReport } from '../../acme/acme.ts';

export function watchIssued(registry: Registry, issued: () => readonly CertificateReport[]): void {
  const watch = (name: string, help: string, figureOf: (report: CertificateReport) => number | null) => {
    const gauge = new Gauge({
      ...{ name, help, labelNames: ['names'], registers: [registry] },
      collect() {
        // A domain that is gone takes its series along.
        gauge.reset();
        for (const report of issued()) {
          const value = figureOf(report);
          if (value !== null) gauge.set({ names: report.names }, value);
        }
      },
    });
  };
  watch(
    'ward_issued_certificate_not_after_seconds',
    'When a certificate from the authority expires, in seconds since 1970',
    ({ until }) => until && until / 1000,
  );
  watch(
    'ward_issued_certificate_tried_seconds',
    'When Ward last asked the authority for a certificate, in seconds since 1970',
    ({ triedAt }) => triedAt && triedAt / 1000,
  );
  watch(
    'ward_issued_certificate_failures',
    'Attempts to get a certificate by ACME that have failed since the last success',
    ({ failures }) => failures,
  );
}
