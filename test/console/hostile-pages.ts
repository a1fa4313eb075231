/** What each page shows of answers of the API, and answers with all of it. */
import type { Page } from 'playwright-core';
import { hostileText } from './hostile.ts';
import type { Answers } from './hostile-answers.ts';
import {
  advisories,
  alarm,
  at,
  backup,
  digest,
  domain,
  entry,
  finding,
  firing,
  found,
  gate,
  held,
  isolation,
  judged,
  key,
  later,
  letter,
  overview,
  preview,
  quota,
  report,
  run,
  runId,
  statement,
  summary,
  target,
  trigger,
  verdict,
  violation,
  waiver,
  webhook,
} from './made-answers.ts';

export interface HostilePage {
  /** Below `/console/`. */
  readonly path: string;
  /** The fields whose texts it shows. */
  readonly shows: readonly string[];
  readonly answers?: Answers;
  /** The end of the path of a request that fails. */
  readonly refused?: string;
  /** Makes it show more. */
  readonly open?: (page: Page) => Promise<void>;
}

/** @param names with spaces between */
function below(field: string, names: string): readonly string[] {
  return names.split(' ').map((name) => `${field}.${name}`);
}

const press =
  (name: string | RegExp) =>
  async (page: Page): Promise<void> =>
    await page.getByRole('button', { name }).first().click();

/** Pages that show nothing of an answer, but who is logged in. */
export const pagesWithoutAnswers: readonly string[] = ['new-function', 'account', 'components'];

export const hostilePages: readonly HostilePage[] = [
  {
    path: 'overview',
    shows: ['name', 'namespaces.namespace', 'version'],
    answers: { '/operator/overview': overview, '/operator/backup': backup, '/operator/isolation': isolation },
  },
  { path: 'functions', shows: ['annotations.exec', 'lastError.error', 'name', 'version'] },
  {
    path: 'functions/a',
    shows: ['exec.kind', 'gate.summary', 'policy.mechanism', 'policy.value', 'policy.vector', 'version'],
    answers: {
      '/actions/a': { ...summary, exec: { kind: 'nodejs:24', code: 'x', binary: false } },
      '/explain/a': { gate, policy: isolation.policy },
    },
    open: async (page) => await page.locator('.cm-specialChar').first().waitFor(),
  },
  {
    path: 'functions/parts',
    shows: ['exec.components', 'exec.kind', 'version'],
    answers: {
      '/actions/parts': { ...summary, exec: { kind: 'sequence', components: ['/_/a'] } },
      '/explain/parts': { gate: null, policy: [] },
    },
  },
  {
    path: 'functions/p/image',
    shows: ['exec.image', 'exec.kind', 'version'],
    answers: {
      '/actions/p/image': { ...summary, exec: { kind: 'blackbox', image: 'i' } },
      '/explain/p/image': { gate: null, policy: [] },
    },
  },
  { path: 'runs?failed=true', shows: ['annotations.path', 'annotations.start'] },
  {
    path: `runs/${runId}`,
    shows: [
      ...below('annotations', 'hint kind path start startReason traceId waitReason'),
      ...below('annotations.traffic.connections', 'address name'),
      ...below('annotations.violations', 'detail kind'),
      'logs',
      'version',
      'response.result.error',
    ],
    answers: { [`/activations/${runId}`]: run, '/input': {} },
    open: press('Run again…'),
  },
  {
    path: 'errors',
    shows: ['groups.action', 'groups.error'],
    answers: { '/input': {} },
    open: press('Run again…'),
  },
  { path: 'logs?text=log', shows: ['lines.action', 'lines.line'] },
  {
    path: 'triggers',
    shows: ['alarm.cron', 'alarm.timezone', 'annotations.feed', 'name'],
    answers: {
      '/triggers': [trigger, { ...trigger, name: 'clock' }],
      // It is the one of the trigger whose name has the text.
      '/feeds': [{ ...alarm, trigger: `clock«name»${hostileText}` }],
      '/rules': [],
    },
  },
  {
    path: 'triggers/hook',
    shows: [
      'logs.error',
      'logs.rule',
      'reason',
      'rules.guest/r.action.name',
      'rules.guest/r.action.path',
      'webhook.refused.last.address',
    ],
    answers: { '/triggers/hook': trigger, '/feeds': [webhook], '/activations': [firing] },
    open: press('Delete…'),
  },
  {
    path: 'triggers/clock',
    shows: [
      'alarm.cron',
      'alarm.timezone',
      'reason',
      'rules.guest/r.action.name',
      'rules.guest/r.action.path',
    ],
    answers: {
      '/triggers/clock': trigger,
      '/feeds': [alarm],
      '/feeds/clock': { ...alarm, nextFires: [later] },
      '/activations': [],
    },
    open: press('Fire…'),
  },
  {
    path: 'dead-letters',
    shows: ['action', 'error', 'rule'],
    answers: { '/dead-letters': [letter] },
    open: press(/^Delete the letter/),
  },
  {
    path: 'domains',
    shows: [
      'api',
      'certificate.error',
      'certificate.issuer',
      'challenge.name',
      'challenge.type',
      'challenge.value',
      'name',
      'package',
    ],
    answers: { '/domains': [domain, { ...domain, name: 'other.invalid', package: undefined, api: '/a' }] },
    open: press(/^Give up/),
  },
  {
    path: 'gate',
    shows: ['kind', 'name', 'namespace', 'rules.rule', 'rules.text'],
    answers: { '/verdicts': [judged] },
  },
  {
    path: 'gate/findings?text=x',
    shows: [
      'found.finding.component.ecosystem',
      'found.finding.component.name',
      'found.finding.component.version',
      'found.finding.fixedIn',
      'found.finding.id',
      'found.finding.title',
      'found.name',
    ],
    answers: { '/findings': { ...found, found: [{ digest, name: 'n', finding }] } },
  },
  {
    path: 'gate/findings?in=licence&text=x',
    shows: [
      'found.component.ecosystem',
      'found.component.licences',
      'found.component.name',
      'found.component.version',
      'found.name',
    ],
    answers: {
      '/packages': {
        ...found,
        found: [{ digest, name: 'n', component: { ...finding.component, licences: ['l'] } }],
      },
    },
  },
  {
    path: 'gate/waivers',
    shows: [
      'waivers.by',
      'waivers.finding',
      'waivers.namespace',
      'waivers.path',
      'waivers.purl',
      'waivers.reason',
    ],
    answers: { '/waivers': { waivers: [waiver, { ...waiver, id: 'other', purl: undefined, path: 'p' }] } },
    open: press(/^End the waiver/),
  },
  {
    path: 'gate/vex',
    shows: [
      ...below('found', 'finding.id finding.package finding.title name reason'),
      'problem',
      ...below('statements', 'author document ids justification products'),
    ],
    answers: {
      '/vex': { source: 'folder', total: 1, statements: [statement], problem: 'p' },
      '/vex/silenced': {
        ...found,
        found: [{ digest, name: 'n', finding: { id: 'i', title: 't', package: 'p' }, reason: 'r' }],
      },
    },
  },
  {
    path: 'gate/advisories',
    shows: ['sources.licence', 'sources.source', 'sources.url', 'warning'],
    answers: { '/advisories': advisories },
  },
  {
    path: 'gate/policy',
    shows: [
      ...below('changes', 'after.rules.rule after.rules.text name namespace'),
      'own',
      'readOnly',
      'revision',
      ...below('problems', 'message path suggestion'),
    ],
    answers: {
      '/policy': { text: 'x', digest: null, own: 'o', revision: 'r', readOnly: 'because', reports: 1 },
      '/policy/preview': preview,
    },
    async open(page) {
      await page.getByRole('textbox', { name: 'The policy' }).press('Control+End');
      await page.keyboard.type('x');
    },
  },
  {
    path: `gate/report/${digest}`,
    shows: [
      ...below('expired', 'by id reason where'),
      ...below(
        'findings',
        'advice component.ecosystem component.name component.version fixedIn id places.path title',
      ),
      ...below('ignored', 'by id reason where'),
      ...below('inventory', 'distribution.name gaps.path gaps.reason'),
      'namespace',
      'policyRevision',
      ...below('reasons', 'rule text upgrades.component upgrades.to upgrades.version'),
      ...below('target', 'kind name'),
      ...below('vouchers', 'attested signedBy'),
    ],
    answers: { '/verdict': [verdict], '/report': report },
    open: press(/^Waive /),
  },
  {
    path: 'egress',
    shows: ['targets.action', 'targets.namespace', 'targets.refusal', 'targets.target'],
    answers: { '/egress': { targets: [target], next: null } },
  },
  {
    path: 'isolation',
    shows: [
      ...below('doctor.advice', 'recommended setting value why'),
      ...below('doctor.advisories', 'answer id runtime title version'),
      ...below('doctor', 'cgroups kernel runtimes.crun'),
      ...below('doctor.rows', 'chosen evidence name vector'),
      ...below('doctorRuns', 'changes.after changes.before changes.name kernel'),
      ...below('policy', 'mechanism source value vector'),
      ...below(
        'prove',
        'kernel runtime.name runtime.version techniques.control techniques.detail techniques.name techniques.title',
      ),
      ...below('violations', 'action detail kind namespace'),
    ],
    answers: { '/isolation': isolation, '/violations': { total: 1, violations: [violation] } },
  },
  { path: 'namespaces', shows: ['namespaces.name'] },
  {
    path: 'namespaces/guest',
    shows: ['keys.label', 'keys.maker', 'name', 'role'],
    answers: {
      '/namespaces/guest': {
        ...{ ...held, name: 'guest', own: {}, keys: [key] },
        usage: { code: quota, records: { ...quota, count: 1 }, registry: quota },
      },
    },
    open: press(/^Delete the key/),
  },
  {
    path: 'access',
    shows: ['label', 'maker', 'name', 'role'],
    answers: {
      '/keys': [key],
      '/members': [{ id: 'i', name: 'n', role: 'viewer', firstLoginAt: at, lastLoginAt: at, keys: 1 }],
    },
    open: press(/^Log out ./),
  },
  {
    path: 'usage',
    shows: [
      'dataDir',
      'days.namespace',
      'kept.settings',
      'kept.until',
      'kept.what',
      'namespaces.name',
      'parts.paths',
      'parts.what',
    ],
  },
  {
    path: 'upkeep',
    shows: [
      'dataDir',
      'last.file',
      'last.missing',
      'last.ward',
      'migrations.name',
      'nodes.name',
      'nodes.role',
      'nodes.version',
    ],
    answers: { '/backup': backup, '/operator/overview': overview },
  },
  {
    path: 'nodes',
    shows: ['nodes.name', 'nodes.role', 'nodes.version'],
    answers: { '/operator/overview': overview },
  },
  {
    path: 'audit',
    shows: [
      'entries.actor',
      'entries.digest',
      'entries.event',
      'entries.from',
      'entries.name',
      'entries.summary',
    ],
    answers: { '/operator/audit': { entries: [entry, { ...entry, name: undefined, digest: 'd' }] } },
  },
  { path: 'audit?what=x', shows: ['code', 'error', 'hint'], refused: '/operator/audit' },
];
