/** Metrics, traces and logs of a real server, as Prometheus, the dashboard, a collector and people get them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownAddress, type Receiver, startReceiver } from '../src/forwarding/receiver.fixture.ts';
import { missingForRsyslog, type Rsyslog, startRsyslog } from '../src/forwarding/rsyslog.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { createFigures } from '../src/server/platform/metrics/figures.ts';
import { dashboardQueries, documentedMetrics, metricsOf } from './docs/metrics-document.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const missingSyslog =
  (await missingForRsyslog()) ?? (ownAddress === undefined ? 'needs an address of this machine' : undefined);
let ward: Ward;
let collector: Receiver;
let syslog: Rsyslog | undefined;

beforeAll(async () => {
  if (missing !== undefined) return;
  collector = await startReceiver();
  const tracing = { endpoint: `http://127.0.0.1:${collector.port}`, ratio: 1 };
  const config = { metrics: { actionsPerNamespace: 2 }, tracing };
  if (missingSyslog === undefined) {
    syslog = await startRsyslog(ownAddress);
    const logForwarding = { allow: [{ cidr: ownAddress, ports: [syslog.port] }] };
    const audit = { syslog: `tls://${ownAddress}:${syslog.port}` };
    const options = { env: { NODE_EXTRA_CA_CERTS: syslog.ca.file } };
    ({ ward } = await Ward.startSaying({ ...config, logForwarding, audit }, undefined, undefined, options));
  } else ward = await Ward.start(config);
  for (const name of ['a', 'b', 'c']) {
    await ward.deploy(name, 'exports.main = () => ({})');
    expect((await ward.invoke(name)).status).toBe(200);
  }
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
  await syslog?.[Symbol.asyncDispose]();
});

/** With those that this server lacks: of the nodes of a cluster, of a certificate, and of sandboxes on another node. */
async function read(): Promise<string> {
  const { body } = await ward.request('GET', '/metrics');
  const figures = createFigures('1.2.3');
  figures.watchNodes(() => []);
  figures.watchMessages(() => ({ refused: 0, stalled: 0, unsent: 0, ignored: 0 }));
  figures.watchLeftBehind(() => 0);
  figures.watchCertificate(
    () => new Date(),
    () => [],
  );
  const blocks = (await figures.text()).split(/^(?=# HELP )/m);
  const nameOf = (block: string) => /^# HELP (\S+)/.exec(block)?.[1] ?? '';
  const further = blocks.filter((block) => !body.includes(`# HELP ${nameOf(block)} `));
  return `${body}${further.join('')}`;
}

/** Metrics with their types. */
async function servedTypes(): Promise<ReadonlyMap<string, string>> {
  const types = (await read()).matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return new Map([...types].map((match) => [match[1] ?? '', match[2] ?? '']));
}

describe.skipIf(missing !== undefined)(`metrics${missing ? ` (${missing})` : ''}`, () => {
  it('are those of the document', async () => {
    const names = [...(await servedTypes()).keys()].filter((name) => name.startsWith('ward_'));
    expect(names.toSorted()).toEqual([...documentedMetrics().keys()].toSorted());
  });

  it('have the memory that sandboxes use', async () => {
    await ward.until(async () => {
      const used = Number(/^ward_sandbox_memory_used_bytes (\d+)$/m.exec(await read())?.[1]);
      return used > 10 * 1024 * 1024 && used < 3 * 256 * 1024 * 1024;
    });
  });

  it('are those of the dashboard', async () => {
    const types = await servedTypes();
    for (const query of dashboardQueries()) {
      for (const name of metricsOf(query)) expect(types.has(name), name).toBe(true);
      if (query.includes('_bucket')) expect(types.get(metricsOf(query)[0] ?? '')).toBe('histogram');
      const rated = /\b(?:rate|increase)\((\w+_total)\b/.exec(query)?.[1];
      if (rated !== undefined) expect(types.get(rated)).toBe('counter');
    }
  });

  it('promtool has no complaint about', async ({ skip }) => {
    const result = await runCommand(['promtool', 'check', 'metrics'], { input: await read() }).catch(() =>
      skip(),
    );
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('of actions are for as many of a namespace as the operator allows', async () => {
    const lines = (await read())
      .split('\n')
      .filter((line) => line.startsWith('ward_action_invocations_total'));
    expect(lines.toSorted()).toEqual(
      ['(others)', '/guest/a', '/guest/b'].map(
        (action) => `ward_action_invocations_total{namespace="guest",action="${action}",status="success"} 1`,
      ),
    );
  });
});

describe.skipIf(missing !== undefined)(`a trace${missing ? ` (${missing})` : ''}`, () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';

  interface Span {
    readonly name: string;
    readonly traceId: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
  }

  const spans = (): Span[] =>
    collector.received.flatMap(({ body }) =>
      JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
        scopeSpans.flatMap((each) => each.spans),
      ),
    );

  it('goes from the caller through a sequence into its functions, and to the collector', async () => {
    await ward.deploy('where', 'exports.main = () => ({ node: process.env.TRACEPARENT })');
    const python = 'import os\ndef main(args): return {**args, "python": os.environ.get("TRACEPARENT")}';
    await ward.deploy('there', python, { kind: 'python:3.13' });
    const exec = { kind: 'sequence', components: ['/guest/where', '/guest/there'] };
    await ward.request('PUT', '/api/v1/namespaces/_/actions/both', { body: { exec } });
    const url = '/api/v1/namespaces/_/actions/both?blocking=true';
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const { body } = await ward.request('POST', url, { body: {}, headers });
    const { node, python: other } = body.response.result;
    const [first, second] = [node, other].map(
      (text) => new RegExp(`^00-${traceId}-(\\w{16})-01$`).exec(text)?.[1],
    );
    // The collector gets spans every five seconds.
    await ward.until(() => spans().some(({ name, traceId: id }) => name === 'guest/both' && id === traceId));
    const own = spans().filter(({ traceId: id }) => id === traceId);
    const whole = own.find(({ name }) => name === 'guest/both');
    expect(whole).toMatchObject({ parentSpanId: 'b7ad6b7169203331', spanId: body.activationId.slice(0, 16) });
    const below = (spanId: string | undefined) =>
      own.filter(({ parentSpanId }) => parentSpanId === spanId).map((each) => each.name);
    expect(own.find(({ name }) => name === 'guest/where')).toMatchObject({
      spanId: first,
      parentSpanId: whole?.spanId,
    });
    const { stdout: shown } = await ward.cli(['activation', 'get', body.activationId]);
    expect(shown).toMatch(new RegExp(`^trace +${traceId}$`, 'm'));
    expect(below(first)).toEqual(['queue', 'sandbox', 'init', 'run']);
    expect(own.find(({ name }) => name === 'guest/there')).toMatchObject({
      spanId: second,
      parentSpanId: whole?.spanId,
    });
    // Ward may have started its sandbox while the first part ran.
    expect(below(second)).toEqual(expect.arrayContaining(['queue', 'run']));
    const accept = 'application/openmetrics-text;version=1.0.0';
    const { body: metrics } = await ward.request('GET', '/metrics', { headers: { accept } });
    expect(metrics).toMatch(
      new RegExp(
        `^ward_invocation_duration_seconds_bucket.*# {trace_id="${traceId}",span_id="${second}"}`,
        'm',
      ),
    );
  });
});

describe.skipIf(missing !== undefined)(`ward logs${missing ? ` (${missing})` : ''}`, () => {
  it('finds lines of earlier calls by their text, in the order in which they were written', async () => {
    await ward.deploy(
      'count',
      'exports.main = ({ n }) => { console.log("no"); console.log("number", n); return {}; }',
    );
    for (const n of [1, 2, 3]) await ward.invoke('count', { n });
    const find = () => ward.cli(['logs', 'count', '--since', '1h', '--grep', 'number', '--strip']);
    await ward.until(async () => (await find()).stdout === 'number 1\nnumber 2\nnumber 3\n');
    expect((await ward.cli(['logs', '--until', '1h', '--grep', 'number'])).stdout).toBe('');
  });
});

describe.skipIf(missing !== undefined)(`syslog over TLS${missing ? ` (${missing})` : ''}`, () => {
  it('has the lines of functions, and the audit log', async ({ skip }) => {
    if (syslog === undefined) return skip(missingSyslog);
    const { port } = syslog;
    const received = () => syslog?.received() ?? [];
    const url = '/runtime/namespaces/_/logForwarding';
    const set = await ward.request('PUT', url, { body: { syslog: { host: ownAddress, port } } });
    expect(set).toMatchObject({ status: 200 });
    const code = `exports.main = () => {
      console.log('grüße 😀');
      console.error('é'.repeat(30_000));
      return {};
    }`;
    await ward.deploy('tell', code);
    const { activationId } = (await ward.invoke('tell')).body;
    await ward.until(async () => (await received()).filter(({ id }) => id === '-').length === 2);
    const lines = (await received()).filter(({ data }) => data.includes(`activationId="${activationId}"`));
    const data = expect.stringMatching(/^\[ward@32473 namespace="guest" action="tell" /);
    expect(lines.toSorted((a, b) => b.pri.localeCompare(a.pri))).toEqual([
      expect.objectContaining({ pri: '134', app: 'ward', data, text: 'grüße 😀' }),
      expect.objectContaining({ pri: '131', app: 'ward', data, text: 'é'.repeat(30_000) }),
    ]);
    const entries = async () =>
      (await received()).flatMap(({ id, text }) => (id === 'audit' ? [JSON.parse(text)] : []));
    const isOfDeploy = ({ event, name }: { event: string; name: string }) =>
      event === 'create-action' && name === '/guest/tell';
    await ward.until(async () => (await entries()).some(isOfDeploy));
  });
});
