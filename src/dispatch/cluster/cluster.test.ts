/** Jobs that are refused or have to wait, what nodes tell each other, and their names. */
import { describe, expect, it } from 'vitest';
import { Fault, hostTroubleOf, newActivationId, silentLog } from '../../lib/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { dispatchFault, invokerBusy, invokerClosed, invokerCutOff } from '../faults.ts';
import { createInvokerDirectory } from '../placement/directory.ts';
import { faultFrom, faultHead, headSchemas } from '../wire/heads.ts';
import { join, localInvoker, MemoryNetwork } from './cluster.fixture.ts';
import { clusterOf, invokerNode, job, joined, prompt, until, watch } from './scripted-cluster.fixture.ts';

describe('a refusal', () => {
  const busy = dispatchFault('INVOKERS_BUSY', 'full');

  it('sends the job to the next node', async () => {
    const { dispatcher, directory, a, b } = await clusterOf('a', 'b');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, busy);
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId);
    const { completion } = await end;
    expect(completion.waitReason).toBe('a node that was asked first could not take it');
    expect(directory.sent).toEqual(['a accepted', 'a refused', 'b accepted', 'b ended']);
  });

  it('says more about a wait than what the job met at the next node', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, busy);
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId, {}, undefined, 'all its sandboxes were busy');
    const { completion } = await end;
    expect(completion.waitReason).toBe('a node that was asked first could not take it');
  });

  it.each([
    ['has a full queue', invokerBusy(7000), { code: 'INVOKER_BUSY', kind: 'overloaded', retryAfterMs: 7000 }],
    ['stops', invokerClosed(), { code: 'INVOKER_CLOSED', kind: 'busy', retryAfterMs: 1000 }],
  ])('of the last node, which %s, is what the caller sees', async (_, refusal, expected) => {
    const { dispatcher, a } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, refusal);
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ ...expected, message: refusal.message });
  });

  it('for lack of room is one to an older node, too, and one of an older node is one here', () => {
    const head = faultHead(invokerBusy(7000));
    const { nack } = headSchemas;
    const { fault } = nack.parse({ fault: head, isElsewhere: true });
    // The kinds that there were before `overloaded`.
    expect(head).toMatchObject({ code: 'INVOKER_BUSY', kind: 'busy' });
    expect(faultFrom(fault)).toMatchObject({ code: 'INVOKER_BUSY', kind: 'overloaded', retryAfterMs: 7000 });
    // Another side's code keeps its kind.
    expect(faultFrom({ ...fault, code: 'ACTION_TOO_LARGE' })).toMatchObject({ kind: 'busy' });
  });

  it('says why when no invoker can ever run it, even with nothing to do', async () => {
    const { dispatcher, directory } = await clusterOf('a');
    directory.choose = () => [];
    const refused = (limits: object) =>
      dispatcher.run(job({ limits: { ...job().limits, ...limits } }), prompt());
    await expect(refused({ memoryMiB: 2048 })).rejects.toMatchObject({
      code: 'INVOKERS_UNFIT',
      message: expect.stringMatching(/2048 MiB.*1024 MiB/),
    });
    await expect(refused({ memoryMiB: 1024 })).rejects.toMatchObject({
      ...{ code: 'INVOKERS_BUSY', kind: 'overloaded', retryAfterMs: 1000 },
      message: 'System is overloaded, try again later.',
    });
  });

  const noDescriptor = () => Object.assign(new Error('no descriptor'), { code: 'EMFILE' });
  it.each([
    ['itself', noDescriptor()],
    ['behind a fault', new Fault('SANDBOX_START_FAILED', 'host', 'no start', { cause: noDescriptor() })],
  ])('because of the machine still has the error of the system: %s', async (_, trouble) => {
    const { dispatcher, a } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, trouble);
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({
      code: 'SANDBOX_START_FAILED',
      kind: 'host',
      message: trouble.message,
    });
    expect(hostTroubleOf(seen.fault)).toBe('exhausted');
  });

  it('because of the machine sends the job to the next node', async () => {
    const { dispatcher, directory, a, b } = await clusterOf('a', 'b');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, noDescriptor());
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId);
    await end;
    expect(directory.sent).toEqual(['a accepted', 'a in trouble', 'b accepted', 'b ended']);
  });

  it.each([
    ['of a node that is cut off', invokerCutOff(new Error('the clock')), 'in trouble'],
    ['of a node without a way to the blobs', new Fault('BLOB_STORE_UNREACHABLE', 'busy', 'away'), 'refused'],
  ])('%s sends the job to the next node', async (_, trouble, how) => {
    const { dispatcher, directory, a, b } = await clusterOf('a', 'b');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, trouble);
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId);
    await end;
    expect(directory.sent).toEqual(['a accepted', `a ${how}`, 'b accepted', 'b ended']);
  });

  it('because of this machine is what the caller sees, if there is no other node', async () => {
    const trouble = noDescriptor();
    const { dispatcher } = await clusterOf('a');
    const invoker = localInvoker({ ...dispatcher, run: () => Promise.reject(trouble) }, async () => ({
      ...{ operator: operatorPolicy(), gvisorObstacle: undefined },
    }));
    const own = await joined(new MemoryNetwork().bus(), { node: 'own', role: 'all', invoker });
    await expect(own.dispatcher.run(job(), prompt())).rejects.toBe(trouble);
  });

  it('for another reason ends the job', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, dispatchFault('IMAGE_UNKNOWN', 'no such image'));
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'IMAGE_UNKNOWN', kind: 'invalid' });
    expect(b.jobs).toEqual([]);
  });
});

describe('an action with a maximum of sandboxes', () => {
  /** Two nodes that take calls and run them. One of them is the home of the job, and says how many may wait there. */
  async function homeAndOther() {
    const network = new MemoryNetwork();
    const given = job({ scaling: { maxInstances: 1 } });
    const home = { node: '', mostQueued: 100 };
    const start = async (name: string) => {
      const directory = createInvokerDirectory({ localNode: name });
      const hear = directory.hear.bind(directory);
      directory.hear = (node, report) =>
        hear(node, node === home.node ? { ...report, mostQueued: home.mostQueued } : report);
      return { name, directory, ...(await invokerNode(network, name, { role: 'all', directory })) };
    };
    const [one, two] = [await start('one'), await start('two')];
    await until(() => [one, two].every(({ directory }) => directory.views().length === 2));
    home.node = one.directory.choose(given)[0] ?? '';
    const [here, other] = home.node === one.name ? [one, two] : [two, one];
    const fill = async () => {
      home.mostQueued = 0;
      await until(() => other.directory.choose(given).length === 0);
    };
    return { given, here, other, fill };
  }

  it('is refused by the other nodes when its home is full, and they run nothing of it', async () => {
    const { given, here, other, fill } = await homeAndOther();
    const end = other.cluster.dispatcher.run(given, prompt());
    await until(() => here.jobs.length === 1);
    here.answer(given.activationId);
    await end;
    await fill();
    const seen = watch(other.cluster.dispatcher.run({ ...given, activationId: newActivationId() }, prompt()));
    await until(() => seen.fault !== undefined || other.jobs.length > 0);
    expect(other.jobs).toEqual([]);
    expect(seen.fault).toMatchObject({ code: 'INVOKERS_BUSY', retryAfterMs: 1000 });
  });

  it('runs on another node while the bus is down', async () => {
    const { given, other, fill } = await homeAndOther();
    await fill();
    other.bus.state = 'down';
    const end = other.cluster.dispatcher.run(given, prompt());
    await until(() => other.jobs.length === 1);
    other.answer(given.activationId);
    await end;
  });
});

describe('at most 64 jobs are without a receipt at a node', () => {
  it('and the others follow when it has answered', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'beat' ? 'is lost' : 'arrives');
    const jobs = Array.from({ length: 70 }, () => job());
    const ends = jobs.map((each) => dispatcher.run(each, prompt()));
    await until(() => a.jobs.length === 64);
    expect(network.count('run')).toBe(64);
    network.fate = () => 'arrives';
    await until(() => a.jobs.length === 70);
    for (const { activationId } of jobs) a.answer(activationId);
    await Promise.all(ends);
  });

  it('and those that no one wants any more make room for the next', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'beat' ? 'is lost' : 'arrives');
    const sent = Array.from({ length: 64 }, () => dispatcher.run(job(), prompt()));
    const withdrawn = sent.map(() =>
      watch(
        dispatcher.run(
          job(),
          prompt(() => false),
        ),
      ),
    );
    const last = job();
    const end = dispatcher.run(last, prompt());
    await until(() => a.jobs.length === 64);
    network.fate = () => 'arrives';
    await until(() => a.jobs.at(-1)?.activationId === last.activationId);
    for (const { fault } of withdrawn) expect(fault).toMatchObject({ code: 'JOB_WITHDRAWN' });
    for (const { activationId } of a.jobs) a.answer(activationId);
    await Promise.all([...sent, end]);
  });

  it('and one that is cancelled before it is sent is cancelled there', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'beat' ? 'is lost' : 'arrives');
    const sent = Array.from({ length: 64 }, () => dispatcher.run(job(), prompt()));
    const last = job();
    const end = dispatcher.run(last, prompt());
    await until(() => a.jobs.length === 64);
    dispatcher.cancel(last.activationId);
    network.fate = () => 'arrives';
    await until(() => a.cancelled.includes(last.activationId));
    for (const { activationId } of a.jobs) a.answer(activationId);
    await Promise.all([...sent, end]);
  });
});

describe('the load of an invoker', () => {
  it('comes with each reply', async () => {
    const { network, dispatcher, directory, a, b } = await clusterOf('a', 'b');
    const [first, second] = [job(), job()];
    const end = dispatcher.run(first, prompt());
    await until(() => network.count('beat') > 0);
    a.answer(first.activationId);
    await end;
    expect(directory.loads).toEqual([1, 2]);
    const next = dispatcher.run(second, prompt());
    await until(() => a.jobs.length === 2);
    a.refuse(second.activationId, dispatchFault('INVOKERS_BUSY', 'full'));
    await until(() => b.jobs.length === 1);
    expect(directory.sent[3]).toBe('a refused');
    expect(directory.loads[3]).toBeGreaterThan(2);
    b.answer(second.activationId);
    await next;
  });

  it('is not in a reply that is sent again, because it is old', async () => {
    const { network, dispatcher, directory, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'res' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
    expect(directory.sent.at(-1)).toBe('a ended');
    expect(directory.loads.at(-1)).toBeUndefined();
  });
});

describe('what is said to other nodes', () => {
  it('reaches them: hints, grants, and the end of actions and namespaces', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    dispatcher.warm(job());
    dispatcher.retire('/guest/old');
    dispatcher.expel('gone');
    await until(() => b.told.length === 2 && a.told.length === 3);
    expect(a.told).toEqual(['warm /guest/hello', 'retire /guest/old', 'expel gone']);
    expect(b.told).toEqual(['retire /guest/old', 'expel gone']);
  });

  it('comes together in one status and one set of namespaces', async () => {
    const { dispatcher } = await clusterOf('a', 'b');
    expect(dispatcher.status()).toEqual({
      queued: 2,
      sandboxes: { starting: 0, busy: 2, idle: 4, prewarmed: 0 },
      memoryMiB: 512,
      memoryLimitMiB: 2048,
      sandboxesLeft: 6,
    });
    expect([...dispatcher.namespaces()].toSorted()).toEqual(['at-a', 'at-b']);
  });

  it('is less when it has long lists, but the node is still heard', async () => {
    const { network, api } = await clusterOf('a');
    const b = await invokerNode(network, 'b');
    const long = Array.from({ length: 10_000 }, (_, n) => `${n}-${'x'.repeat(500)}`);
    b.setNamespaces(long);
    await until(() => api.nodes().some(({ node, namespaces }) => node === 'b' && namespaces.length === 0));
  });

  it('counts the nodes that serve the API, as they come, report again and go', async () => {
    const { network, api } = await clusterOf('a', 'b');
    const served = () => api.nodes().filter(({ role }) => role !== 'invoker').length;
    expect([api.apiNodes(), served(), api.nodes().length]).toEqual([0, 0, 2]);
    const other = await join(network.bus(), { node: 'other' });
    await until(() => api.nodes().length === 3);
    const reports = network.count('report');
    await until(() => network.count('report') > reports + 8);
    expect([api.apiNodes(), served()]).toEqual([1, 1]);
    expect([api.apiNodesBefore(), other.apiNodesBefore()]).toEqual([0, 1]);
    await other[Symbol.asyncDispose]();
    await until(() => api.nodes().length === 2);
    expect([api.apiNodes(), served()]).toEqual([0, 0]);
    const first = await join(network.bus(), { node: 'a-first' });
    await until(() => api.nodes().length === 3);
    expect(api.apiNodesBefore()).toBe(1);
    await first[Symbol.asyncDispose]();
    await until(() => api.nodes().length === 2);
    expect(api.apiNodesBefore()).toBe(0);
  });

  it('reports violations to a node that can keep them', async () => {
    const network = new MemoryNetwork();
    const reports: unknown[] = [];
    const api = await joined(network.bus(), { node: 'api', onViolation: (report) => reports.push(report) });
    const a = await invokerNode(network, 'a');
    await until(() => a.cluster.nodes().length === 1 && api.nodes().length === 1);
    const report = {
      ...{ kind: 'oom' as const, detail: 'too much', at: 5, namespace: 'guest', action: undefined },
      activationIds: [newActivationId()],
    };
    a.cluster.violated(report);
    await until(() => reports.length === 1);
    expect(reports).toEqual([report]);
  });
});

describe('a name', () => {
  it('is refused to a second node while the first is heard', async () => {
    const { network, api } = await clusterOf('a');
    await expect(join(network.bus(), { node: 'a', nameMs: 300, log: silentLog })).rejects.toMatchObject({
      code: 'NODE_NAME_TAKEN',
      kind: 'conflict',
    });
    expect(api.nodes().map(({ node, role }) => [node, role])).toEqual([['a', 'invoker']]);
  });

  it('that another process has lets the second one hear no job of the first', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    // The second process does not know of the first yet, because it hears no report of it.
    network.fate = ({ type, subject }) =>
      type === 'report' && subject.endsWith('.a') ? 'is lost' : 'arrives';
    const taken: unknown[] = [];
    const invoker = localInvoker(
      { ...dispatcher, run: async (job) => Promise.reject(taken.push(job)) },
      async () => ({ operator: operatorPolicy(), gvisorObstacle: undefined }),
    );
    const joining = join(network.bus(), { node: 'a', nameMs: 1500, invoker });
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
    network.fate = () => 'arrives';
    await expect(joining).rejects.toMatchObject({ code: 'NODE_NAME_TAKEN' });
    expect(taken).toEqual([]);
  });

  it('ends the process that came second, if it could not know that when it began', async () => {
    const { network } = await clusterOf('a');
    const bus = network.bus();
    bus.state = 'down';
    const second = await joined(bus, { node: 'a' });
    bus.state = 'up';
    expect(await second.ended).toMatchObject({ code: 'NODE_NAME_TAKEN' });
    expect(second.isUp()).toBe(false);
  });

  it.each(['', 'a.b', 'a b', '*', 'x'.repeat(65)])('is refused that cannot be one: %j', async (node) => {
    await expect(join(new MemoryNetwork().bus(), { node })).rejects.toMatchObject({
      code: 'NODE_NAME_INVALID',
    });
  });
});
