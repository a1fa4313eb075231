/** A cluster of an API node and invokers that run nothing: a test answers for them. */
import { onTestFinished, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { newActivationId } from '../../lib/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { dispatchFault } from '../faults.ts';
import { LiveLog } from '../live-log.ts';
import type { Dispatcher, Handover, Job, JobEnd } from '../types.ts';
import type { WaitReason } from '../wait-reasons.ts';
import { encodeMessage, type Message } from '../wire/messages.ts';
import { subjectsOf } from '../wire/subjects.ts';
import { anyDirectory, join, localInvoker, type MemoryBus, MemoryNetwork } from './cluster.fixture.ts';
import type { Cluster, ClusterOptions } from './types.ts';

export const subjects = subjectsOf('test');
/** An empty tail. */
export const nothing = Buffer.alloc(0);

export interface ScriptedNode {
  readonly cluster: Cluster;
  readonly bus: MemoryBus;
  /** Jobs that have begun, in order. */
  readonly jobs: Job[];
  readonly cancelled: string[];
  /** Jobs that were told that they don't begin. */
  readonly withdrawn: string[];
  answer(
    activationId: string,
    result?: object,
    log?: Promise<readonly string[]>,
    waitReason?: WaitReason,
  ): void;
  refuse(activationId: string, fault: Error): void;
  readonly told: string[];
  setNamespaces(names: readonly string[]): void;
}

export async function invokerNode(
  network: MemoryNetwork,
  node: string,
  options: Partial<ClusterOptions> = {},
): Promise<ScriptedNode> {
  const jobs: Job[] = [];
  const [cancelled, withdrawn, told]: [string[], string[], string[]] = [[], [], []];
  let namespaces: ReadonlySet<string> = new Set([`at-${node}`]);
  const ends = new Map<string, PromiseWithResolvers<JobEnd>>();
  const dispatcher: Dispatcher = {
    async run(job, handover) {
      const end = Promise.withResolvers<JobEnd>();
      ends.set(job.activationId, end);
      if (handover !== undefined && !(await handover.begin())) {
        withdrawn.push(job.activationId);
        throw dispatchFault('JOB_WITHDRAWN', 'no longer wanted');
      }
      jobs.push(job);
      return end.promise;
    },
    cancel: (activationId) => void cancelled.push(activationId),
    follow: () => new LiveLog(() => {}),
    warm: ({ action }) => void told.push(`warm ${action}`),
    prefetch: ({ image }) => void told.push(`prefetch ${image}`),
    checkTarget: async () => {},
    kept: () => [],
    grant: (grants, forMs) => void told.push(`grant ${grants.length} for ${forMs}`),
    status: () => ({
      queued: 1,
      sandboxes: { starting: 0, busy: 1, idle: 2, prewarmed: 0 },
      memoryMiB: 256,
      memoryLimitMiB: 1024,
      sandboxesLeft: 3,
    }),
    retire: (action) => void told.push(`retire ${action}`),
    namespaces: () => namespaces,
    expel: (namespace) => void told.push(`expel ${namespace}`),
  };
  const abilities = async () => ({ operator: operatorPolicy(), gvisorObstacle: undefined });
  const bus = network.bus();
  const invoker = localInvoker(dispatcher, abilities);
  const cluster = await joined(bus, { node, invoker, ...options });
  return {
    ...{ cluster, bus, jobs, cancelled, withdrawn, told },
    answer(activationId, result = {}, log = Promise.resolve([]), waitReason = undefined) {
      const json = JSON.stringify(result);
      const now = Date.now();
      ends.get(activationId)?.resolve({
        completion: {
          ...{ status: 'success', start: 'warm', timedOut: false, waitMs: 0 },
          ...{ startedAt: now, endedAt: now, result: JSON.parse(json), json, waitReason },
          sizeBytes: Buffer.byteLength(json),
        },
        log,
      });
    },
    setNamespaces(names) {
      namespaces = new Set(names);
    },
    refuse: (activationId, fault) => ends.get(activationId)?.reject(fault),
  };
}

/** Time that has been skipped. */
let skippedMs = 0;
const now = () => performance.now() + skippedMs;

/** Time passes at once, as if this process had been stopped. */
export function skip(ms: number): void {
  skippedMs += ms;
}

/** Lets time pass in steps, in which the nodes look for what is late. */
export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 900) {
    skip(Math.min(left, 900));
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

export async function joined(bus: MemoryBus, options: Parameters<typeof join>[1]): Promise<Cluster> {
  const cluster = await join(bus, { now, ...options });
  onTestFinished(() => {
    // Nothing waits for a node that a test has cut off.
    bus.state = 'up';
    return cluster[Symbol.asyncDispose]();
  });
  return cluster;
}

/** An API node and invokers that have heard each other. */
export async function clusterOf(...names: readonly string[]) {
  const network = new MemoryNetwork();
  const invokers = await Promise.all(names.map((name) => invokerNode(network, name)));
  const [apiBus, directory] = [network.bus(), anyDirectory()];
  const api = await joined(apiBus, { node: 'api', directory });
  await until(() => api.nodes().filter(({ invoker }) => invoker !== undefined).length === names.length);
  const [a, b] = invokers;
  if (a === undefined) throw new Error('no invoker');
  return { network, api, apiBus, directory, a, b: b ?? a, dispatcher: api.dispatcher };
}

export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { interval: 2, timeout: 30_000 });
}

export function job(changes: Partial<Job> = {}): Job {
  return {
    ...{ namespace: 'guest', action: '/guest/hello', version: '0.0.1', revision: 'r1', kind: 'nodejs:24' },
    code: { digest: digestOf('code'), binary: false, main: 'main' },
    limits: { timeoutMs: 1000, memoryMiB: 256, logBytes: 1000, concurrency: 1 },
    ...{ initEnv: {}, activationId: newActivationId(), transactionId: 't', parameters: {} },
    acceptedAt: Date.now(),
    ...changes,
  };
}

/** Says at once that the job begins. */
export const prompt = (begin: () => boolean = () => true): Handover => ({ begin, isPrompt: true });

/** What came of a run, without a rejection that no one handles. */
export function watch(end: Promise<JobEnd>) {
  const seen: { end?: JobEnd; fault?: unknown } = {};
  end.then(
    (value) => Object.assign(seen, { end: value }),
    (fault: unknown) => Object.assign(seen, { fault }),
  );
  return seen;
}

/** Publishes a message as if it came from that node. */
export function forge(
  bus: MemoryBus,
  subject: string,
  message: Omit<Message, 'tail'> & { readonly tail?: Buffer },
) {
  for (const frame of encodeMessage({ tail: nothing, ...message })) bus.publish(subject, frame);
}
