/** A Ward takes over the socket of another: no call is refused, and none runs twice. */
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { listeningSocketsOf } from '../src/server/listener/listening-sockets.ts';
import { leftOvers, nothing } from './left-overs.ts';
import { missingForOneMachine } from './one-machine.ts';
import { processesBelow } from './processes.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingForOneMachine('a node for the API takes no socket over');
const root = '/api/v1/namespaces/_';
const manager = join(import.meta.dirname, 'service-manager.pl');
const limits = { invocationsPerMinute: 1_000_000, concurrentInvocations: 1000 };
/** Of a client after each call: leaves the processor to the Ward that starts. */
const restMs = 5;
const echo = 'function main({ n }) { return { n }; }';
/** Ends when its Ward takes no more blocking calls. */
const lasting = `exports.main = async () => {
  const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env;
  const headers = { authorization: 'Basic ' + btoa(key), 'content-type': 'application/json' };
  const call = { method: 'POST', headers, body: '{"n":"lasting"}' };
  while ((await fetch(host + '${root}/actions/echo?blocking=true', call)).status !== 503)
    await new Promise((done) => setTimeout(done, 50));
  return {};
};`;

interface Call {
  readonly n: string;
  readonly outcome: number | string;
  readonly tookMs: number;
}

/** Calls over and over until it is stopped. Every second call is non-blocking. */
class Client {
  readonly calls: Call[] = [];
  readonly #ward: Ward;
  readonly #name: string;
  readonly #agent: Agent | false;
  readonly #over: Promise<void>;
  #isOver = false;

  constructor(ward: Ward, name: string, keepAlive: boolean) {
    this.#ward = ward;
    this.#name = name;
    this.#agent = keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    this.#over = this.#run();
  }

  async stop(): Promise<readonly Call[]> {
    this.#isOver = true;
    await this.#over;
    if (this.#agent) this.#agent.destroy();
    return this.calls;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      const n = `${this.#name} ${round}`;
      const began = performance.now();
      const outcome = await this.#call(n, round % 2 === 0).catch((error) => String(error));
      this.calls.push({ n, outcome, tookMs: performance.now() - began });
      await pause(restMs);
    }
  }

  #call(n: string, blocking: boolean): Promise<number> {
    return callOver(this.#agent, this.#ward, `echo?blocking=${blocking}`, { n });
  }
}

/** Resolves to the status of the answer. */
function callOver(agent: Agent | false, ward: Ward, action: string, payload: object): Promise<number> {
  const body = JSON.stringify(payload);
  return new Promise((resolve, reject) => {
    const asked = request(`${ward.url}${root}/actions/${action}`, {
      ...{ method: 'POST', agent, auth: ward.auth },
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      answer
        .on('error', reject)
        .on('end', () => resolve(answer.statusCode ?? 0))
        .resume();
    });
    asked.end(body);
  });
}

describe.skipIf(missing !== undefined)(`one Ward after another${missing ? ` (${missing})` : ''}`, () => {
  const open: Ward[] = [];
  const clients: Client[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.stop();
    for (const ward of open.splice(0).reverse()) await ward[Symbol.asyncDispose]();
  });
  const start = async (dataDir?: string, options: Parameters<typeof Ward.startSaying>[3] = {}) => {
    const started = await Ward.startSaying({ limits }, dataDir, undefined, options);
    open.push(started.ward);
    return started;
  };
  const callAllTheTime = (ward: Ward) => {
    clients.push(
      ...['a', 'b'].map((name) => new Client(ward, `fresh ${name}`, false)),
      ...['a', 'b'].map((name) => new Client(ward, `kept ${name}`, true)),
    );
  };
  /** Expects that each call got its usual answer and has run once. */
  const expectAllServed = async (ward: Ward) => {
    const calls = (await Promise.all(clients.splice(0).map((client) => client.stop()))).flat();
    const outcomes = calls.map(({ outcome }) => outcome);
    console.log(
      `${calls.length} calls, the longest ${Math.round(Math.max(...calls.map(({ tookMs }) => tookMs)))} ms`,
    );
    expect(outcomes.filter((outcome) => outcome !== 200 && outcome !== 202)).toEqual([]);
    expect(new Set(outcomes)).toEqual(new Set([200, 202]));
    const runs = async () => (await runsOf(ward)).filter((n) => / \d+$/.test(n));
    await ward.until(async () => (await runs()).length >= calls.length);
    expect((await runs()).toSorted()).toEqual(calls.map(({ n }) => n).toSorted());
  };
  const served = (client: number, count: number) => () => (clients[client]?.calls.length ?? 0) >= count;

  it('`ward up --take-over`: the running Ward finishes what it has begun, and no call is refused', async () => {
    // Without a running Ward it just starts.
    const { ward: first } = await start(undefined, { flags: ['--take-over'] });
    await first.deploy('echo', echo);
    await first.invoke('echo', { n: 'before' });
    await first.request('PUT', `${root}/actions/lasting`, {
      body: {
        exec: { kind: 'nodejs:24', code: lasting },
        annotations: [{ key: 'provide-api-key', value: true }],
      },
    });
    // Its connection is busy when the old Ward leaves the socket, and gets another call right after the answer.
    using stack = new DisposableStack();
    const busy = stack.adopt(new Agent({ keepAlive: true, maxSockets: 1 }), (agent) => agent.destroy());
    const running = callOver(busy, first, 'lasting?blocking=true', {});
    const afterwards = running.then(() => callOver(busy, first, 'echo?blocking=true', { n: 'afterwards' }));
    await first.until(async () => (await runsOf(first)).includes('lasting'));
    callAllTheTime(first);
    await first.until(served(0, 10));
    const starting = start(first.dataDir, { flags: ['--take-over'] });
    const { ward: second } = await starting;
    expect(second.url).toBe(first.url);
    expect(await first.ended()).toBe(0);
    expect([await running, await afterwards]).toEqual([200, 200]);
    for (const index of clients.keys()) {
      const before = clients[index]?.calls.length ?? 0;
      await second.until(served(index, before + 10));
    }
    await expectAllServed(second);
    expect(await second.stop()).toBe(0);
    expect(leftOvers(second)).toEqual(nothing);
  });

  describe('beside a Ward that goes on', () => {
    let ward: Ward | undefined;
    const serving = async () => {
      if (ward === undefined || ward.hasEnded()) ({ ward } = await Ward.startSaying({ limits }));
      return ward;
    };
    afterAll(() => ward?.[Symbol.asyncDispose]());

    it('a Ward that can’t start leaves the running one undisturbed', async () => {
      const ward = await serving();
      const up = ['up', '--data', ward.dataDir, '--take-over'];
      const other = await runWard([...up, '--listen', '127.0.0.1:1']);
      expect(other).toMatchObject({ code: 1, stdout: '' });
      expect(other.stderr).toMatch(
        /error\[TAKE_OVER_FAILED\]: the running Ward listens on 127\.0\.0\.1:\d+, not on port 1/,
      );
      // It fails after it has taken the socket.
      const config = join(ward.dataDir, 'late.yaml');
      await writeFile(config, stringify({ parameters: { keyFile: '/nonexistent' } }));
      const late = await runWard([...up, '--listen', '127.0.0.1:0', '--config', config]);
      expect(late).toMatchObject({ code: 2, stdout: '' });
      await ward.deploy('echo', echo);
      expect((await ward.invoke('echo', { n: 'x' })).body.response.result).toEqual({ n: 'x' });
    });

    it('a process that is not the data folder’s server is not taken over', async () => {
      const ward = await serving();
      const [keeper, server] = processesBelow(ward.pid);
      process.kill(server.pid, 'SIGSTOP');
      // A keeper without a server, as during a start.
      process.kill(keeper.pid, 'SIGSTOP');
      process.kill(server.pid, 'SIGKILL');
      const refused = await runWard(['up', '--data', ward.dataDir, '--take-over', '--listen', '127.0.0.1:0']);
      process.kill(keeper.pid, 'SIGCONT');
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain('error[TAKE_OVER_FAILED]');
      await ward.ended();
    });
  });

  it('a service manager’s socket: a restart refuses no call, and nothing but the server has the socket', async () => {
    const { ward } = await start(undefined, { through: ['/usr/bin/perl', manager, '1', 'tcp'] });
    await ward.deploy('echo', echo);
    await ward.invoke('echo', { n: 'before' });
    const [{ inode } = { inode: '' }] = listeningSocketsOf(processesBelow(ward.pid)[1].pid);
    const { pid: serverPid } = processesBelow(ward.pid)[1];
    expect(holdersOf(inode).toSorted()).toEqual([ward.pid, serverPid].toSorted());
    callAllTheTime(ward);
    await ward.until(served(0, 10));
    process.kill(ward.pid, 'SIGUSR1');
    await ward.until(() => {
      try {
        return (
          processesBelow(ward.pid)[1].pid !== serverPid &&
          listeningSocketsOf(processesBelow(ward.pid)[1].pid).length > 0
        );
      } catch {
        return false;
      }
    });
    for (const index of clients.keys())
      await ward.until(served(index, (clients[index]?.calls.length ?? 0) + 10));
    await expectAllServed(ward);
    expect(await ward.stop()).toBe(0);
    expect(leftOvers(ward)).toEqual(nothing);
  });

  it.each([
    ['two sockets', '2', 'tcp', /passes 2 sockets, but Ward serves on one/],
    ['one that does not listen', '1', 'udp', /descriptor 3 is not a listening TCP socket/],
  ])('a service manager’s descriptors that do not fit are refused: %s', async (_, count, proto, said) => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-unfit-'));
    try {
      const failing = Ward.startSaying({}, folder, undefined, {
        through: ['/usr/bin/perl', manager, count, proto],
      });
      const error = await failing.then(String, String);
      expect(error).toMatch(said);
      expect(error).toContain('error[LISTENER_UNFIT]');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** `n` of each run of the action except the first. */
async function runsOf(ward: Ward): Promise<string[]> {
  const found: string[] = [];
  for (let skip = 0; ; skip += 200) {
    const path = `${root}/activations?name=echo&docs=true&limit=200&skip=${skip}`;
    const { body } = await ward.request('GET', path);
    found.push(...body.map(({ response }: { response: { result: { n: string } } }) => response.result.n));
    if (body.length < 200) return found;
  }
}

/** Processes that hold a socket. */
function holdersOf(inode: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some(
          (each) => readlinkSync(`/proc/${pid}/fd/${each}`) === `socket:[${inode}]`,
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
