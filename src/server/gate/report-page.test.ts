import { expect, it } from 'vitest';
import { defaultPolicy, judge } from '../../gate/index.ts';
import type { Report } from '../../scanner/index.ts';
import { reportPage } from './report-page.ts';

const hostile = `<script>alert(1)</script>"'&\u202e\u0000`;
const digest = `sha256:${'a'.repeat(64)}`;
const report: Report = {
  form: 1,
  target: { name: hostile, kind: 'image' },
  scannedAt: '2026-11-24T10:00:00.000Z',
  inventory: { components: [], layers: [], gaps: [{ path: hostile, reason: hostile }] },
  findings: Array.from({ length: 600 }, (_, at) => ({
    class: 'malware' as const,
    id: `${hostile}${at}`,
    title: hostile.repeat(100),
    severity: 'critical' as const,
    places: [{ path: hostile }],
  })),
  suppressed: [],
};

it('shows the findings, and pushed text is never markup, script or too long', () => {
  const kind = 'image';
  const verdict = judge(defaultPolicy(), { stage: 'push', namespace: 'guest', kind, report, now: 0 });
  const { html, contentSecurityPolicy } = reportPage(digest, [verdict], report);
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\ufffd\ufffd');
  expect(html).not.toMatch(/<script|\u202e|\0|\son\w+=/);
  expect(html).toContain('push: <span class="denied">denied</span>');
  expect(html).toContain('100 more are in the report as JSON');
  expect(html.length).toBeLessThan(1_500_000);
  expect(contentSecurityPolicy).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action/,
  );
});

/** The page of a push that Ward's own policy judges. */
function pageOf(inventory: Partial<Report['inventory']>, findings: Report['findings'] = []): string {
  const made: Report = { ...report, inventory: { ...report.inventory, ...inventory }, findings };
  const kind = 'image';
  const verdict = judge(defaultPolicy(), { stage: 'push', namespace: 'guest', kind, report: made, now: 0 });
  return reportPage(digest, [verdict], made).html;
}

const remedy = 'leave it out, make it readable, or ignore it in the policy (id: gap, with its path)';

it('distinguishes unread content from denied content, and gives advice for both', () => {
  const unread = pageOf({});
  expect(unread).toContain('<h2>push: <span class="unread">not judged</span></h2>');
  expect(unread).toContain(`<td>${remedy}</td>`);
  expect(unread).not.toContain('>denied<');
  const denied = pageOf({ gaps: [] }, report.findings.slice(0, 1));
  expect(denied).toContain('<h2>push: <span class="denied">denied</span></h2>');
  expect(denied).toContain('<td>remove it, and find out how it got there</td>');
  expect(denied).not.toMatch(/not judged|id: gap/);
  // The bad content is enough to report.
  const both = pageOf({}, report.findings.slice(0, 1));
  expect(both).toContain('<span class="denied">denied</span>');
  expect(both).toContain(`<h2>Could not be read</h2><p>What to do about each: ${remedy}.</p>`);
  expect(pageOf({ gaps: [] })).toMatch(/<span class="let-in">allowed/);
});

it('shows advice for each gap at the end of its reason, without markup', () => {
  const end = '; unpack it or leave it out';
  const reason = `${hostile.repeat(30)}`.slice(0, 500 - end.length) + end;
  const html = pageOf({ gaps: [{ path: hostile, reason }] });
  expect(html).toContain(`${end}</td>`);
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(html).not.toMatch(/<script|\u202e|\0/);
  expect(pageOf({ gaps: [{ path: 'a', reason: 'x'.repeat(600) }] })).toContain(
    `<td>${'x'.repeat(500)}…</td>`,
  );
});

it('shows the advice of a finding as text, never as markup', () => {
  const name = hostile;
  const html = pageOf({ gaps: [] }, [
    {
      ...{ class: 'malware', id: 'MAL-1', title: 'bad', severity: 'critical', places: [] },
      component: { ecosystem: 'npm', name, version: '1', purl: 'pkg:npm/a@1' },
    },
    {
      ...{ class: 'misconfiguration', id: 'ward:root', title: 'Root', severity: 'low', places: [] },
      advice: `set ${hostile}`,
    },
  ]);
  expect(html).toMatch(/<td>remove &lt;script&gt;.*, and treat what ran it as compromised<\/td>/);
  expect(html).toContain('<td>set &lt;script&gt;');
  expect(html).not.toMatch(/<script|\u202e|\0/);
});

it('names the inputs of a verdict, and those that an earlier verdict lacks', () => {
  const advisories = { revision: 'adv1', updatedAt: '2026-11-20T10:00:00Z', count: 1 };
  const rules = { revision: 'rules1', read: 'read1', ward: '0.1.0' };
  const textOf = (made: Report) => {
    const verdict = judge(defaultPolicy(), {
      ...{ stage: 'push', namespace: 'guest', kind: 'image' },
      ...{ report: made, now: 0 },
    } as const);
    return reportPage(digest, [verdict], made).html;
  };
  const { revision } = defaultPolicy();
  expect(textOf({ ...report, advisories, rules })).toContain(
    `with the policy ${revision}, advisories adv1 of 2026-11-20, and rules rules1 of Ward 0.1.0`,
  );
  expect(textOf(report)).toContain('no advisories, and unknown rules');
});

it('shows who vouches for an image', () => {
  const kind = 'image';
  const verdict = judge(defaultPolicy(), { stage: 'run', namespace: 'guest', kind, report, now: 0 });
  const vouchers = { signedBy: [`ci (${hostile})`], attested: ['spdx by release'] };
  const { html } = reportPage(digest, [{ ...verdict, vouchers }], report);
  expect(html).toContain('<p>Attested: spdx by release</p>');
  expect(html).toContain('<p>Signed by ci (&lt;script&gt;alert(1)');
});

it('says so when there is no report', () => {
  const kind = 'image';
  const unread = 'it could not be scanned: it is too long';
  const verdict = judge(defaultPolicy(), {
    ...{ stage: 'push', namespace: 'guest', kind },
    ...{ report: undefined, unread, now: 0 },
  } as const);
  expect(reportPage(digest, [verdict], undefined).html).toMatch(
    /not judged.*it is too long.*make it readable, or change the rule.*No scan report exists/s,
  );
});
