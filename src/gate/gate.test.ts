import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Digest, digestOf } from '../blobs/index.ts';
import { Fault, silentLog } from '../lib/index.ts';
import type { Finding, ImageSource, Report } from '../scanner/index.ts';
import type { GateEvent } from './changes.ts';
import type { EvidenceSources } from './evidence.ts';
import { createGate, type Gate, type GateOptions } from './gate.ts';
import type { Verdict } from './judge/verdict.ts';
import { defaultPolicy, type Policy, parsePolicy } from './policy/policy.ts';
import { type PolicyTest, policyTest, storedReports } from './policy-test.ts';
import { dayMs, malware, noon, reportOf, vulnerability } from './reports.fixture.ts';
import { openGateStore } from './store/gate-store.ts';
import type { GateStore } from './store/types.ts';
import { codeSubject, imageSubject } from './subject.ts';
import { generateKeyPair, readSigningKey } from './trust/keys.ts';
import { layersOf } from './trust/oci-documents.ts';
import { signManifest } from './trust/signatures.ts';
import { parseVex } from './vex/vex.ts';

let folder: string;
let store: GateStore;
let gate: Gate;
/** What the next scan or re-judging finds. */
let found: readonly Finding[];
let layers: Report['inventory']['layers'];
let now: number;
let policy: GateOptions['policy'];
let events: GateEvent[];
let scans: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  store = await openGateStore({ path: join(folder, 'gate.db') });
  [found, layers, now, policy, events, scans] = [[], [], noon, defaultPolicy, [], 0];
  gate = gateWith({});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await gate.close();
  await store.close();
  await rm(folder, { recursive: true });
});

const scanned = async (name: string, digest: Digest) => {
  scans++;
  return reportOf({ findings: found, target: { name, digest }, inventory: { layers } });
};
const scanner: GateOptions['scanner'] = {
  scanImage: (image) => scanned(image.name, image.digest),
  scanArtifact: (artifact) => scanned(artifact.name, artifact.digest),
  scanCode: (bytes, { name }) => scanned(name, digestOf(bytes)),
  rejudge: async (report) => ({ ...report, findings: found }),
};

function gateWith(options: Partial<GateOptions>): Gate {
  return createGate({
    policy: () => policy(),
    store,
    scanner,
    companions: async () => [],
    bases: async () => [],
    vex: async () => ({ revision: '', statements: [] }),
    revisions: () => ({ policy: policy().revision, advisories: 'r1', vex: '' }),
    reportAt: ({ digest }) => `/report/${digest.slice(0, 15)}`,
    onChange: (event) => events.push(event),
    log: silentLog,
    clock: () => now,
    ...options,
  });
}

function imageOf(name: string): ImageSource {
  const config = {
    env: [],
    entrypoint: [],
    cmd: [],
    user: '',
    exposedPorts: [],
    labels: {},
    healthcheck: false,
  };
  return { name, digest: digestOf(name), config: { ...config, history: [] }, layers: [] };
}

const guest = { namespace: 'guest', actor: 'key 1' };
const code = Buffer.from('exports.main = () => ({})');
const subject = codeSubject(digestOf(code), 'nodejs:24');
const admitCode = (of = gate) => of.admitCode({ ...guest, action: 'hello', code, kind: 'nodejs:24' });
const push = (name: string, of = gate) => of.admitImage({ ...guest, image: imageOf(name) });

describe('at push', () => {
  it('a clean image is admitted, a vulnerable one denied; both are in the audit log', async () => {
    expect(await push('app')).toMatchObject({ outcome: 'allow', stage: 'push' });
    found = [vulnerability(), malware()];
    const verdict = await push('bad');
    expect(verdict.outcome).toBe('deny');
    expect(verdict.summary).toMatch(
      /^denied by policy \(malware, vulnerabilities[^)]*\): 1 malware, 1 high .*; report: \/report\/sha256:/,
    );
    expect(await store.audit()).toMatchObject([
      { event: 'verdict', actor: 'key 1', name: 'app', stage: 'push', namespace: 'guest', outcome: 'allow' },
      { name: 'bad', outcome: 'deny', digest: digestOf('bad'), advisoryRevision: 'r1' },
    ]);
    expect((await gate.report(digestOf('bad')))?.findings).toHaveLength(2);
  });

  it('two pushes of the same image are scanned once', async () => {
    const verdicts = await Promise.all([push('app'), push('app')]);
    expect([verdicts.map(({ outcome }) => outcome), scans]).toEqual([['allow', 'allow'], 1]);
  });

  it('a limited number of scans runs, a limited number waits, and further ones get “busy”', async () => {
    const ends: (() => void)[] = [];
    const scanImage = async (image: ImageSource) => {
      await new Promise<void>((resolve) => ends.push(resolve));
      return reportOf({ target: { name: image.name, digest: image.digest } });
    };
    const narrow = gateWith({
      scanner: { ...scanner, scanImage, scanCode: () => Promise.reject(), rejudge: async (report) => report },
      scans: { concurrent: 1, waiting: 1 },
    });
    const first = push('a', narrow);
    const second = push('b', narrow);
    await expect(push('c', narrow)).rejects.toMatchObject({ code: 'GATE_BUSY', kind: 'busy' });
    expect(ends).toHaveLength(1);
    ends[0]?.();
    expect((await first).outcome).toBe('allow');
    expect(ends).toHaveLength(2);
    ends[1]?.();
    expect((await second).outcome).toBe('allow');
  });

  it('content whose scan fails or takes too long is denied', async () => {
    const scanner = (scanImage: () => Promise<Report>) => ({
      scanImage,
      scanArtifact: scanImage,
      scanCode: scanImage,
      rejudge: async (report: Report) => report,
    });
    const failing = gateWith({ scanner: scanner(() => Promise.reject(new Error('bad\u001b layer'))) });
    expect(await push('a', failing)).toMatchObject({
      outcome: 'deny',
      reasons: [{ rule: 'unscanned', text: 'it could not be scanned: bad\ufffd layer' }],
    });
    const slow = gateWith({ scanner: scanner(() => new Promise(() => {})), scans: { timeoutMs: 5 } });
    expect(await push('b', slow)).toMatchObject({
      outcome: 'deny',
      reasons: [{ rule: 'unscanned', text: 'it could not be scanned: it took longer than 0.005 s' }],
    });
    expect((await store.audit()).map(({ outcome }) => outcome)).toEqual(['deny', 'deny']);
  });

  it('content whose bytes can’t be had now gets no verdict', async () => {
    const away = new Fault('BLOB_STORE_UNREACHABLE', 'busy', 's3://bucket/ does not answer');
    const scan = () => Promise.reject(away);
    const rejudge = async (report: Report) => report;
    const waiting = gateWith({ scanner: { scanImage: scan, scanArtifact: scan, scanCode: scan, rejudge } });
    await expect(push('a', waiting)).rejects.toBe(away);
    expect(await store.audit()).toEqual([]);
  });

  it('content is not admitted when its verdict can’t be stored', async () => {
    await store.close();
    await expect(push('app')).rejects.toMatchObject({ code: 'GATE_CLOSED' });
  });
});

describe('at deploy', () => {
  it('code is scanned, and may run afterwards', async () => {
    expect(await admitCode()).toMatchObject({ outcome: 'allow', stage: 'deploy', digest: subject.digest });
    expect(atOnce(gate)).toMatchObject({ outcome: 'allow', stage: 'run' });
    found = [vulnerability()];
    expect((await admitCode()).outcome).toBe('deny');
  });

  it('the report of code for one kind does not serve for another', async () => {
    await admitCode();
    const other = codeSubject(digestOf(code), 'python:3.13');
    expect((await gate.mayRun(other, 'guest')).reasons).toMatchObject([{ rule: 'unscanned' }]);
  });

  it('an image is judged by its report and the current advisories', async () => {
    await push('app');
    const deploy = (name: string) => gate.admitDeploy({ ...guest, action: 'box', digest: digestOf(name) });
    expect((await deploy('app')).outcome).toBe('allow');
    found = [vulnerability({ knownExploited: true })];
    expect((await deploy('app')).outcome).toBe('deny');
    expect((await deploy('never-pushed')).reasons).toMatchObject([{ rule: 'unscanned', outcome: 'deny' }]);
    expect(scans).toBe(1);
  });

  it('a required signature counts if it is valid', async () => {
    const pair = generateKeyPair('x');
    const key = readSigningKey(pair.privateKey, 'x');
    const keys = `keys: { us: ${JSON.stringify(pair.publicKey)} }`;
    const strict = parsePolicy(`form: 1\n${keys}\nrules: { signatures: { action: deny, keys: [us] } }`);
    const digest = digestOf('app');
    const { blobs, manifest } = signManifest({ digest, reference: 'app', annotations: {} }, key);
    const layers = layersOf(manifest.content).map(({ mediaType, annotations = {}, digest: layer }) => ({
      mediaType,
      annotations,
      content: blobs.find((blob) => blob.digest === layer)?.content ?? Buffer.alloc(0),
    }));
    policy = () => strict;
    expect((await push('app')).reasons).toMatchObject([{ rule: 'signatures' }]);
    expect((await push('app', gateWith({ companions: async () => layers }))).outcome).toBe('allow');
    expect((await push('other', gateWith({ companions: async () => layers }))).outcome).toBe('deny');
    const broken = gateWith({ companions: () => Promise.reject(new Error('no registry')) });
    expect((await push('app', broken)).outcome).toBe('deny');
  });

  it('the operator’s VEX counts in verdict and report', async () => {
    const document = {
      '@context': 'https://openvex.dev/ns/v0.2.0',
      author: 'Ada',
      timestamp: '2026-01-01T00:00:00Z',
      statements: [
        {
          vulnerability: { name: 'CVE-2021-23337' },
          products: [{ '@id': 'pkg:npm/lodash' }],
          status: 'not_affected',
          justification: 'component_not_present',
        },
      ],
    };
    found = [vulnerability()];
    const vex = parseVex(Buffer.from(JSON.stringify(document)));
    const trusting = gateWith({ vex: async () => ({ revision: 'v1', statements: vex }) });
    expect((await push('app', trusting)).outcome).toBe('allow');
    expect((await trusting.report(digestOf('app')))?.suppressed).toHaveLength(1);
    expect((await push('app')).outcome).toBe('deny');
  });
});

/** The verdict that the gate returns without a promise. */
function atOnce(of: Gate, namespace = 'guest'): Verdict {
  const answer = of.mayRun(subject, namespace);
  if (answer instanceof Promise) throw new Error('it has to be judged first');
  return answer;
}

describe('at run', () => {
  it('unknown content is treated as the policy says, and judged as soon as it is scanned', async () => {
    expect(await gate.mayRun(subject, 'guest')).toMatchObject({
      outcome: 'warn',
      reasons: [{ rule: 'unscanned' }],
    });
    expect(atOnce(gate).outcome).toBe('warn');
    await admitCode();
    expect(atOnce(gate).outcome).toBe('allow');
  });

  it('another namespace gets a verdict of its own, from the same report', async () => {
    policy = () => strict;
    const strict = parsePolicy(
      'form: 1\noverrides: [{ namespaces: [lab], rules: { malware: { action: allow } } }]',
    );
    found = [malware()];
    await admitCode();
    expect((await gate.mayRun(subject, 'guest')).outcome).toBe('deny');
    expect((await gate.mayRun(subject, 'lab')).outcome).toBe('allow');
    expect((await store.verdict(subject.digest, 'run', 'lab'))?.outcome).toBe('allow');
    expect(scans).toBe(1);
  });

  it('a verdict is known after a restart', async () => {
    await admitCode();
    const again = gateWith({});
    expect((await again.mayRun(subject, 'guest')).outcome).toBe('allow');
    expect(atOnce(again).outcome).toBe('allow');
  });

  it('a verdict in memory is returned in the same turn; only others are read from the store', async () => {
    await admitCode();
    const asked = vi.spyOn(store, 'verdict');
    expect(atOnce(gate).outcome).toBe('allow');
    expect(asked).not.toHaveBeenCalled();
    const again = gateWith({});
    await Promise.all([again.mayRun(subject, 'guest'), again.mayRun(subject, 'guest')]);
    expect(asked).toHaveBeenCalledOnce();
  });

  it('a verdict made during a read of the store is not replaced by an older one', async () => {
    await admitCode();
    const stored = await store.verdict(subject.digest, 'run', 'guest');
    const held = Promise.withResolvers<typeof stored>();
    vi.spyOn(store, 'verdict').mockReturnValueOnce(held.promise);
    const again = gateWith({});
    const asked = again.mayRun(subject, 'guest');
    [found, now] = [[malware()], now + 1];
    await admitCode(again);
    await again.evidenceChanged(subject.digest);
    held.resolve(stored);
    expect((await asked).outcome).toBe('deny');
    expect(atOnce(again).outcome).toBe('deny');
  });

  it('content does not run when the store can’t be read', async () => {
    vi.spyOn(store, 'verdict').mockRejectedValueOnce(new Error('broken'));
    expect(await gate.mayRun(subject, 'guest')).toMatchObject({
      outcome: 'deny',
      reasons: [{ rule: 'scan' }],
    });
  });

  it('a call is not denied for trouble that passes: it can be judged later', async () => {
    await admitCode();
    const again = gateWith({});
    const away = new Fault('GATE_STORE_UNREACHABLE', 'busy', 'the database does not answer');
    vi.spyOn(store, 'verdict').mockRejectedValueOnce(away);
    await expect(again.mayRun(subject, 'guest')).rejects.toBe(away);
    expect((await again.mayRun(subject, 'guest')).outcome).toBe('allow');
  });

  it('no call waits for a verdict to be written to the disk', async () => {
    const path = join(folder, 'gate.db');
    await using slow = await openGateStore({ path, inThread: true });
    const serving = gateWith({ store: slow });
    await admitCode(serving);
    using other = new DatabaseSync(path);
    other.exec('begin immediate');
    let isAdmitted = false;
    const admitted = push('app', serving).then(() => {
      isAdmitted = true;
    });
    for (let turn = 0; turn < 20; turn++) {
      await delay(5);
      expect(atOnce(serving).outcome).toBe('allow');
    }
    expect(isAdmitted).toBe(false);
    other.exec('rollback');
    await admitted;
    await serving.close();
  });

  it.each([
    ['another policy', () => ({ policy: 'p2', advisories: 'r1', vex: '' })],
    ['other advisories', () => ({ policy: policy().revision, advisories: 'r2', vex: '' })],
    ['other VEX', () => ({ policy: policy().revision, advisories: 'r1', vex: 'v2' })],
  ])('a verdict from before a change of %s is never returned', async (_title, revisions) => {
    await admitCode();
    found = [malware()];
    const again = gateWith({ revisions });
    expect((await again.mayRun(subject, 'guest')).outcome).toBe('deny');
    // The first caller starts the judgement, and all others wait for it.
    const answers = await Promise.all(['guest', 'guest'].map((name) => again.mayRun(subject, name)));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['deny', 'deny']);
  });

  describe('after another server changed what is attached', () => {
    const image = imageSubject(digestOf('app'));
    const [here, other] = [new Set<string>([image.digest]), new Set<string>([digestOf('other')])];
    const outcome = async (of: Gate) => (await of.mayRun(image, 'guest')).outcome;

    it.each([
      ['to this image', here],
      ['to images that this server does not know', undefined],
    ])('%s, its verdict in memory does not count', async (_title, changed) => {
      await push('app');
      expect(await outcome(gate)).toBe('allow');
      found = [malware()];
      for (const evidence of [other, new Set<string>()]) gate.evidenceChangedElsewhere(evidence);
      expect(await outcome(gate)).toBe('allow');
      gate.evidenceChangedElsewhere(changed);
      expect(await outcome(gate)).toBe('deny');
      expect(gate.mayRun(image, 'guest')).toMatchObject({ outcome: 'deny' });
    });

    it('to this image, a stored verdict does not count: the other server may not have judged yet', async () => {
      await push('app');
      expect(await outcome(gate)).toBe('allow');
      const again = gateWith({});
      again.evidenceChangedElsewhere(here);
      found = [malware()];
      expect(await outcome(again)).toBe('deny');
      await again.close();
    });

    it('to this image, a verdict whose judgement began before does not count', async () => {
      await push('app');
      const held = Promise.withResolvers<void>();
      const companions = vi.fn<EvidenceSources['companions']>(async () => {
        await held.promise;
        return [];
      });
      const slow = gateWith({ companions });
      const asked = outcome(slow);
      await expect.poll(() => companions).toHaveBeenCalledOnce();
      slow.evidenceChangedElsewhere(here);
      held.resolve();
      expect(await asked).toBe('allow');
      found = [malware()];
      expect(await outcome(slow)).toBe('deny');
      await slow.close();
    });

    it('to anything, code keeps its verdict', async () => {
      await admitCode();
      found = [malware()];
      gate.evidenceChangedElsewhere(undefined);
      gate.evidenceChangedElsewhere(new Set([subject.digest]));
      expect(atOnce(gate).outcome).toBe('allow');
    });
  });

  it('content that can’t be judged again does not run', async () => {
    await admitCode();
    const scanner = {
      scanImage: () => Promise.reject(),
      scanArtifact: () => Promise.reject(),
      scanCode: () => Promise.reject(),
      rejudge: () => {
        throw new Error('broken');
      },
    };
    const revisions = () => ({ policy: policy().revision, advisories: 'r2', vex: '' });
    const broken = gateWith({ scanner, revisions });
    expect(await broken.mayRun(subject, 'guest')).toMatchObject({
      outcome: 'deny',
      reasons: [{ rule: 'scan' }],
    });
    expect((await gateWith({}).mayRun(subject, 'guest')).outcome).toBe('allow');
  });

  it('an old verdict is returned once more while a new one is made', async () => {
    await admitCode();
    found = [malware()];
    expect(atOnce(gate).outcome).toBe('allow');
    now += dayMs;
    expect(atOnce(gate).outcome).toBe('allow');
    await gate.close();
    expect(atOnce(gate).outcome).toBe('deny');
  });
});

describe('what changed', () => {
  const revisionsOf =
    (advisories: string, vex = '') =>
    () => ({ policy: policy().revision, advisories, vex });

  it('is written to the audit log once, and everything is judged again once, also across restarts', async () => {
    await admitCode();
    const first = gateWith({ revisions: revisionsOf('r1') });
    expect(await first.catchUp()).toMatchObject({ judged: 1, changed: 0, isWhole: true });
    expect(await first.catchUp()).toBeUndefined();
    expect(await gateWith({ revisions: revisionsOf('r1') }).catchUp()).toBeUndefined();

    found = [malware()];
    const restarted = gateWith({ revisions: revisionsOf('r2', 'v1') });
    expect(await restarted.catchUp()).toMatchObject({ judged: 1, changed: 1 });
    expect(await restarted.catchUp()).toBeUndefined();
    expect(events).toMatchObject([{ type: 'became-vulnerable', after: { outcome: 'deny' } }]);
    const strict = parsePolicy('form: 1\nrules: { gaps: warn }');
    policy = () => strict;
    expect(await restarted.catchUp()).toMatchObject({ judged: 1 });
    expect((await store.audit()).map(({ event }) => event)).toEqual([
      ...['verdict', 'policy', 'advisories'],
      ...['advisories', 'vex', 'became-vulnerable', 'became-vulnerable'],
      'policy',
    ]);
    expect((await store.audit()).at(-1)).toMatchObject({ actor: 'gate', policyRevision: strict.revision });
    expect((await store.verifyAudit()).isIntact).toBe(true);
  });

  it('starts the round again if it was interrupted', async () => {
    await admitCode();
    const controller = new AbortController();
    controller.abort();
    expect(await gate.catchUp({ signal: controller.signal })).toMatchObject({ judged: 0, isWhole: false });
    expect(await gate.catchUp()).toMatchObject({ judged: 1, isWhole: true });
  });
});

describe('when advisories change', () => {
  it('content that became vulnerable, and clean again, is judged without a scan, reported and stored', async () => {
    await push('app');
    await admitCode();
    found = [vulnerability()];
    const steps: (readonly [number, number])[] = [];
    expect(await gate.rejudgeAll({ progress: (done, total) => steps.push([done, total]) })).toEqual({
      judged: 2,
      changed: 1,
      failed: 0,
      isWhole: true,
    });
    expect(steps).toEqual([[2, 2]]);
    expect(events).toMatchObject([
      {
        type: 'became-vulnerable',
        before: { outcome: 'allow' },
        after: { outcome: 'warn', namespace: 'guest', digest: subject.digest },
        added: ['CVE-2021-23337'],
      },
    ]);
    expect(atOnce(gate).outcome).toBe('warn');
    expect((await gate.report(subject.digest))?.findings).toHaveLength(1);
    expect((await store.verdict(digestOf('app'), 'push', 'guest'))?.outcome).toBe('deny');

    await gate.rejudgeAll();
    expect(events).toHaveLength(1);
    found = [];
    await gate.rejudgeAll();
    expect(events[1]).toMatchObject({ type: 'became-clean', removed: ['CVE-2021-23337'] });
    expect(scans).toBe(2);
    expect((await store.audit()).map(({ event }) => event)).toEqual([
      'verdict',
      'verdict',
      ...['became-vulnerable', 'became-vulnerable', 'became-vulnerable'],
      ...['became-clean', 'became-clean', 'became-clean'],
    ]);
    expect((await store.verifyAudit()).isIntact).toBe(true);
  });

  it('stores the current rules with the report, even if they find the same', async () => {
    await push('app');
    const rules = { revision: 'newer', read: 'r', ward: '9.0.0' };
    const newer = gateWith({ scanner: { ...scanner, rejudge: async (report) => ({ ...report, rules }) } });
    await newer.rejudgeAll();
    expect((await newer.report(digestOf('app')))?.rules).toEqual(rules);
    expect(await store.verdict(digestOf('app'), 'push', 'guest')).toMatchObject({
      rulesRevision: 'newer',
      wardVersion: '9.0.0',
    });
    await newer.close();
  });

  it('a round does not overwrite a judgement that began later', async () => {
    await push('app');
    await gate.admitDeploy({ ...guest, action: 'box', digest: digestOf('app') });
    const held = Promise.withResolvers<void>();
    let looks = 0;
    const slow = gateWith({
      vex: async () => {
        if (looks++ === 0) await held.promise;
        return { revision: '', statements: [] };
      },
    });
    found = [vulnerability()];
    const round = slow.rejudgeAll();
    await expect.poll(() => looks).toBe(1);
    found = [];
    await slow.evidenceChanged(digestOf('app'));
    held.resolve();
    await round;
    expect((await store.verdict(digestOf('app'), 'run', 'guest'))?.outcome).toBe('allow');
    expect(events).toEqual([]);
  });

  it('a newer scan that finds more in running content reports it, too', async () => {
    await push('app');
    await gate.admitDeploy({ ...guest, action: 'box', digest: digestOf('app') });
    found = [malware()];
    await push('app');
    expect(events).toMatchObject([{ type: 'became-vulnerable', after: { outcome: 'deny', stage: 'run' } }]);
    expect((await gate.mayRun(imageSubject(digestOf('app')), 'guest')).outcome).toBe('deny');
  });

  it('a listener or a report that fails does not end the round', async () => {
    await admitCode();
    await push('app');
    const fragile = gateWith({
      onChange: () => {
        throw new Error('broken');
      },
      scanner: {
        scanImage: () => Promise.reject(),
        scanArtifact: () => Promise.reject(),
        scanCode: () => Promise.reject(),
        async rejudge(report) {
          if (report.target.name === 'app') throw new Error('broken');
          return { ...report, findings: [malware()] };
        },
      },
    });
    expect(await fragile.rejudgeAll()).toMatchObject({ judged: 1, changed: 1, failed: 1 });
    expect((await store.verdict(subject.digest, 'run', 'guest'))?.outcome).toBe('deny');
  });

  it('a round ends when it is aborted', async () => {
    for (const name of ['a', 'b', 'c']) await push(name);
    const controller = new AbortController();
    controller.abort();
    expect(await gate.rejudgeAll({ signal: controller.signal })).toMatchObject({ judged: 0 });
  });
});

describe('at the end', () => {
  it('a scan under way is aborted, and gives no verdict', async () => {
    const started = Promise.withResolvers<void>();
    const scanImage: GateOptions['scanner']['scanImage'] = (_, scan) =>
      new Promise((_resolve, reject) => {
        scan?.signal?.addEventListener('abort', () => reject(new Error('cut short')));
        started.resolve();
      });
    const ending = gateWith({
      scanner: { ...scanner, scanImage },
      scans: { concurrent: 1 },
    });
    const asked = Promise.allSettled([push('one', ending), push('two', ending)]);
    await started.promise;
    await ending.close();
    const stopping = { status: 'rejected', reason: { code: 'GATE_STOPPING' } };
    expect(await asked).toMatchObject([stopping, stopping]);
    await expect(push('three', ending)).rejects.toMatchObject({ code: 'GATE_STOPPING' });
    expect(await store.audit()).toEqual([]);
    expect(await store.countReports()).toBe(0);
  });

  it('waits for judgements under way', async () => {
    const looked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<readonly []>();
    const ending = gateWith({
      companions: () => {
        looked.resolve();
        return answer.promise;
      },
    });
    const verdict = push('app', ending);
    await looked.promise;
    const closed = ending.close().then(async () => (await store.audit()).length);
    answer.resolve([]);
    expect(await closed).toBe(1);
    expect((await verdict).outcome).toBe('allow');
  });
});

describe('a test of a policy', () => {
  const pair = readSigningKey(generateKeyPair('secret').privateKey, 'secret');
  const keys = `keys: { us: ${JSON.stringify(pair.publicKey)} }`;
  const nothing: EvidenceSources = {
    companions: async () => [],
    bases: async () => [],
    vex: async () => ({ revision: '', statements: [] }),
    log: silentLog,
  };
  const tested = (before: Policy, after: Policy, sources = nothing) =>
    policyTest(before, after, storedReports(store), sources, now);
  const outcomesOf = ({ changes }: PolicyTest) =>
    changes.map(({ name, before, after }) => [name, before.stage, before.outcome, after.outcome]).sort();

  it('shows what would change, and changes nothing', async () => {
    found = [vulnerability()];
    await push('app');
    await admitCode();
    const looser = parsePolicy('form: 1\nrules: { vulnerabilities: { limits: { high: any } } }');
    const shown = await tested(defaultPolicy(), looser);
    expect(shown).toMatchObject({ judged: 2, notKnown: [] });
    expect(outcomesOf(shown)).toEqual([
      ['app', 'push', 'deny', 'allow'],
      ['hello', 'deploy', 'deny', 'allow'],
    ]);
    expect(await tested(looser, looser)).toEqual({ judged: 2, changes: [], notKnown: [] });
    expect(await store.audit()).toHaveLength(2);
  });

  it('judges signatures as the gate does, and names images whose signers it does not know', async () => {
    for (const name of ['signed', 'unsigned', 'gone']) await push(name);
    const digest = digestOf('signed');
    const { blobs, manifest } = signManifest({ digest, reference: 'signed', annotations: {} }, pair);
    const layers = layersOf(manifest.content).map(({ mediaType, annotations = {}, digest: of }) => {
      const content = blobs.find((blob) => blob.digest === of)?.content ?? Buffer.alloc(0);
      return { mediaType, annotations, content };
    });
    const sources: EvidenceSources = {
      ...nothing,
      companions: async (of) => (of === digest ? layers : []),
      holds: async (of) => of !== digestOf('gone'),
    };
    const strict = parsePolicy(`form: 1\n${keys}\nrules: { signatures: { action: deny, keys: [us] } }`);
    const shown = await tested(defaultPolicy(), strict, sources);
    expect(outcomesOf(shown)).toEqual([
      ['gone', 'push', 'allow', 'deny'],
      ['unsigned', 'push', 'allow', 'deny'],
    ]);
    expect(shown.notKnown).toEqual(['gone']);
    const why = shown.changes.find(({ name }) => name === 'gone')?.after.reasons;
    expect(why).toMatchObject([{ rule: 'signatures', text: expect.stringContaining('Ward does not know') }]);
  });

  it('judges bases and the operator’s VEX, too', async () => {
    layers = [{ diffId: digestOf('lowest') }];
    found = [vulnerability()];
    await push('app');
    const any = parsePolicy('form: 1\nrules: { vulnerabilities: { action: allow } }');
    const based = parsePolicy('form: 1\nrules: { bases: { action: deny, ward: true } }');
    const statements = parseVex(
      Buffer.from(
        JSON.stringify({
          '@context': 'https://openvex.dev/ns/v0.2.0',
          author: 'us',
          timestamp: '2026-01-01T00:00:00Z',
          statements: [
            {
              vulnerability: { name: vulnerability().id },
              products: [{ '@id': vulnerability().component.purl }],
              status: 'not_affected',
              justification: 'component_not_present',
            },
          ],
        }),
      ),
    );
    const sources = { ...nothing, vex: async () => ({ revision: 'v1', statements }) };
    expect(outcomesOf(await tested(any, defaultPolicy()))).toEqual([['app', 'push', 'allow', 'deny']]);
    expect(outcomesOf(await tested(any, defaultPolicy(), sources))).toEqual([]);
    const diffId = digestOf('lowest');
    expect(outcomesOf(await tested(any, based, sources))).toEqual([['app', 'push', 'allow', 'deny']]);
    const base = {
      name: 'ours',
      digest: digestOf('ours'),
      diffIds: [diffId],
      builtByWard: true,
      signedBy: [],
    };
    const withBase = { ...sources, bases: async () => [base] };
    expect(outcomesOf(await tested(any, based, withBase))).toEqual([]);
  });
});

describe('reports of refused content', () => {
  it('are kept as long as the policy of their namespaces says', async () => {
    const text = `form: 1
rules: { reports: { refusedDays: 10 } }
overrides: [{ namespaces: [other], rules: { reports: { refusedDays: 20 } } }]`;
    let now = Date.now();
    const held = new Set<Digest>();
    const gate = gateWith({
      policy: () => parsePolicy(text),
      clock: () => now,
      holds: async (digest) => held.has(digest),
    });
    found = [malware()];
    const bad = await push('bad', gate);
    expect(bad.outcome).toBe('deny');
    found = [];
    const good = await push('good', gate);
    now = Date.parse((bad.digest && (await gate.report(bad.digest))?.scannedAt) ?? '') + 9 * 86_400_000;
    expect(await gate.forgetRefused()).toBe(0);
    now += 2 * 86_400_000;
    if (bad.digest !== undefined) held.add(bad.digest);
    expect(await gate.forgetRefused()).toBe(0);
    held.clear();
    expect(await gate.forgetRefused()).toBe(1);
    const left = await Promise.all([bad, good].map(({ digest }) => digest && gate.report(digest)));
    expect(left.map((each) => each !== undefined)).toEqual([false, true]);
    expect(bad.digest && (await store.verdicts(bad.digest))).toEqual([]);
    await gate.close();
  });
});
