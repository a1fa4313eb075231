/** One of each thing that the API tells, with all its texts. */
import type {
  Advisories,
  AuditEntry,
  Backup,
  CallVerdict,
  DeadLetter,
  Domain,
  EgressTarget,
  Feed,
  Finding,
  HostCheckRun,
  Isolation,
  Key,
  MechanismRow,
  Node,
  Overview,
  PolicyChange,
  PolicyPreview,
  Report,
  ShownStatement,
  ShownVerdict,
  ShownViolation,
  VerdictRow,
  Waiver,
} from '../../src/answers/index.ts';

/** Epoch milliseconds. */
export const at = 1.7e12;
export const later = 4e12;
export const runId = 'a'.repeat(32);
const keyId = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502';
export const digest = `sha256:${'b'.repeat(64)}`;
export const quota = { used: 1, limit: 2 };
const limits = { timeout: 1000, memory: 256 };

export const run = {
  ...{ activationId: runId, name: 'a', start: at, end: at + 900, duration: 900, statusCode: 1, version: '1' },
  response: { status: 'application error', result: { error: 'e' }, size: 9 },
  logs: ['2026-01-01T00:00:00.000Z stdout: a line', '2026-01-01T00:00:01.000Z stderr: another'],
  annotations: [
    ...[
      { key: 'path', value: 'guest/p/a' },
      { key: 'kind', value: 'nodejs:24' },
      { key: 'hint', value: 'h' },
    ],
    ...[
      { key: 'start', value: 'cold' },
      { key: 'startReason', value: 'r' },
      { key: 'waitReason', value: 'w' },
    ],
    ...[
      { key: 'waitTime', value: 9 },
      { key: 'traceId', value: 't' },
      { key: 'partialLog', value: 'cut' },
    ],
    {
      key: 'traffic',
      value: {
        sentBytes: 1,
        connections: [{ name: 'n', address: '10.0.0.1', port: 1, protocol: 'tcp', at }],
      },
    },
    { key: 'violations', value: [{ kind: 'egress', detail: 'd', at }] },
  ],
};
export const summary = {
  namespace: 'guest',
  name: 'a',
  version: '0.0.1',
  updated: at,
  annotations: [{ key: 'exec', value: 'nodejs:24' }],
  limits,
};
export const gate: CallVerdict = { outcome: 'warn', summary: 's', digest };
export const key: Key = {
  keyId,
  isFirst: false,
  scope: 'read',
  label: 'l',
  createdAt: at,
  expiresAt: null,
  maker: 'm',
};
const feed = { feed: '/whisk.system/alarms/alarm', isActive: false, reason: 'r', dateChanged: at };
export const alarm: Feed = {
  ...{ ...feed, trigger: 'clock', nextFires: [later], missed: { date: at, at, isMadeUp: false } },
  alarm: { kind: 'alarm', cron: '* * * * *', timezone: 'Europe/Berlin' },
};
export const webhook: Feed = {
  ...{ ...feed, trigger: 'hook' },
  webhook: { signature: 'github', refused: { count: 1, last: [{ at, status: 409, address: '10.0.0.1' }] } },
};
export const trigger = {
  ...{ name: 'hook', version: '0.0.1', updated: at, parameters: [] },
  annotations: [{ key: 'feed', value: '/guest/f' }],
  rules: { 'guest/r': { action: { path: 'guest', name: 'a' }, status: 'active' } },
};
export const firing = {
  ...{ activationId: runId, start: at },
  logs: [JSON.stringify({ rule: 'guest/r', success: false, error: 'e' })],
};
export const letter: DeadLetter = {
  ...{ id: runId, rule: 'r', trigger: 't', action: '/_/a', attempts: 1, error: 'e' },
  ...{ activationId: runId, createdAt: at, failedAt: at },
};
export const domain: Domain = {
  ...{ name: 'shop.invalid', package: 'p', isProved: true, createdAt: at, provedAt: at },
  certificate: { issuer: 'i', until: later, triedAt: at, error: 'e', nextTryAt: later },
  challenge: { type: 'TXT', name: 'n', value: 'v' },
};
const ignored = { id: 'i', where: 'w', reason: 'r', by: 'b', expires: '2099-01-01' };
export const verdict: ShownVerdict = {
  ...{ namespace: 'guest', stage: 'deploy', outcome: 'deny', judgedAt: '2026-01-01', summary: 's' },
  reasons: [
    {
      ...{ rule: 'r', outcome: 'deny', text: 't' },
      upgrades: [{ component: 'c', version: '1', to: ['2'] }],
    },
  ],
  ...{ ignored: [ignored], expired: [ignored], policyRevision: 'p' },
  vouchers: { signedBy: ['s'], attested: ['a'] },
};
export const judged: VerdictRow = {
  ...{ digest, kind: 'code', name: 'n', namespace: 'guest', stage: 'deploy', outcome: 'deny' },
  ...{ judgedAt: '2026-01-01', summary: 's', rules: [{ rule: 'r', outcome: 'deny', text: 't' }] },
  counts: { critical: 1, high: 1 },
};
export const finding: Finding = {
  ...{ class: 'vulnerability', id: 'CVE', title: 't', severity: 'high', knownExploited: true, places: [] },
  component: { ecosystem: 'npm', name: 'n', version: '1', purl: 'pkg:npm/n@1' },
  fixedIn: ['2'],
};
export const report: Report = {
  ...{ target: { name: 'n', kind: 'k' }, scannedAt: '2026-01-01' },
  inventory: {
    ...{ components: [], distribution: { name: 'd' } },
    gaps: [{ path: 'p', reason: 'r' }],
  },
  findings: [
    finding,
    { ...finding, component: undefined, fixedIn: [], places: [{ path: 'p' }], advice: 'a' },
  ],
};
export const found = { reportsRead: 1, next: null };
export const statement: ShownStatement = {
  ...{ document: 'd', ids: ['CVE', 'GHSA'], status: 'not_affected', justification: 'j', author: 'a', at },
  products: ['p'],
};
export const waiver: Waiver = { ...ignored, finding: 'f', namespace: 'guest', purl: 'pkg:npm/n' };
const change: PolicyChange = {
  ...{ name: 'n', digest, stage: 'deploy', namespace: 'guest' },
  before: { outcome: 'warn', rules: [] },
  after: { outcome: 'deny', rules: [{ rule: 'r', outcome: 'deny', text: 't' }] },
};
export const preview: PolicyPreview = {
  ...{ revision: 'r', problems: [{ line: 1, path: 'p', message: 'm', suggestion: 's' }] },
  ...{ reportsRead: 1, judged: 1, changed: 1, denied: 1, admitted: 0, changes: [change], next: null },
};
export const target: EgressTarget = {
  ...{ namespace: 'guest', action: 'a', target: 't', port: 1, protocol: 'tcp', refusal: 'r', calls: 1 },
  ...{ attempts: 1, sentBytes: 1, receivedBytes: 1, lastAt: at, lastActivationId: runId },
};
const node: Node = {
  ...{ name: 'n', role: 'invoker', version: '1', state: 'ready', beatAgeMs: 1 },
  figures: {
    upMs: 1,
    invoker: {
      ...{ load: 1, sandboxes: { starting: 1, busy: 1, idle: 1, prewarmed: 1 }, queued: 1 },
      ...{ memoryMiB: 1, memoryLimitMiB: 1, memoryUsedMiB: 1 },
    },
  },
};
export const overview: Overview = {
  ...{ version: '1', nodes: [node], queue: { waiting: 1, begun: 1, oldestWaitingMs: 1 }, namespaces: 1 },
  advisories: { count: 1, ageSeconds: 1, warning: 'w' },
  disk: { freeBytes: 1, reserveBytes: 1, state: 'short' },
};
export const advisories: Advisories = {
  ...{ count: 1, ageSeconds: 1, failed: ['s'], warning: 'w' },
  sources: [
    {
      ...{ source: 's', url: 'u', licence: 'l', importedAt: '2026-01-01', checkedAt: '2026-01-01' },
      ...{ newest: '2026-01-01', records: 1, bad: 0 },
    },
  ],
};
export const backup: Backup = {
  ...{ dataDir: '/d', isElsewhere: false },
  last: { takenAt: '2026-01-01', file: 'f', bytes: 1, ward: '1', files: 1, missing: ['m'], damaged: 1 },
};
export const entry: AuditEntry = {
  ...{ seq: 1, time: '2026-01-01', event: 'e', actor: 'a', from: '10.0.0.1', name: 'n', namespace: 'guest' },
  ...{ stage: 'deploy', outcome: 'deny', summary: 's' },
};
export const held = { name: 'guest', createdAt: at, lastUsedAt: at, keys: 1, limits: {} };
const mechanism: MechanismRow = {
  ...{ name: 'n', vector: 'v', required: true, available: true, chosen: 'c', proven: 'no', evidence: 'e' },
};
const checkRun: HostCheckRun = {
  at,
  ok: false,
  kernel: 'k',
  changes: [{ name: 'n', before: 'b', after: 'a' }],
};
export const isolation: Isolation = {
  policy: [{ mechanism: 'm', vector: 'v', value: 'v', source: 's' }],
  doctor: {
    ...{
      at,
      ok: false,
      kernel: 'k',
      cgroups: 'c',
      runtimes: { crun: '1' },
      rows: [mechanism],
      processes: [],
    },
    advisories: [{ runtime: 'r', version: '1', id: 'i', title: 't', answer: 'a', refused: false }],
    advice: [{ setting: 's', value: 'v', recommended: 'r', why: 'w' }],
  },
  ...{ doctorRuns: [checkRun], proveRuns: [] },
  prove: {
    ...{ at, ok: false, kernel: 'k', runtime: { name: 'r', version: '1' }, counts: { ESCAPED: 1 } },
    techniques: [{ name: 'n', vector: 'v', title: 't', control: 'c', outcome: 'ESCAPED', detail: 'd' }],
  },
};
export const violation: ShownViolation = {
  namespace: 'guest',
  at,
  kind: 'k',
  detail: 'd',
  action: 'a',
  activationId: runId,
};
