/** The server's end of the connection to its keeper. */
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '../lib/index.ts';
import { type SandboxExit, type SandboxUsage, sandboxFault, type ViolationSink } from '../sandbox/index.ts';
import { hearLines, sayLine } from './lines.ts';
import type { Answers, Hello, Operation, Request, Said, WireFault } from './wire.ts';

/** The descriptor on which the server finds the connection. */
export const keeperDescriptor = 3;

type Asked<Op extends Operation> = Omit<Extract<Request, { op: Op }>, 'op' | 'id'>;

/** Messages about a sandbox that the keeper sends unasked. */
interface SandboxNews {
  ended(exit: SandboxExit, usage: SandboxUsage): void;
  lost(port: number, why: string): void;
}

export interface KeeperLink {
  readonly hello: Hello;
  /** @throws Fault the keeper's refusal; SANDBOX_START_FAILED when the keeper has ended */
  ask<Op extends Operation>(op: Op, request: Asked<Op>, id?: number): Promise<Answers[Op]>;
  /** Reserves a number, for a request that needs to know it before it is sent. */
  nextId(): number;
  /**
   * Receives news of a sandbox until it has ended, at the latest with the keeper. The keeper sends none before it has
   * answered that it started.
   */
  watch(sandbox: string, news: SandboxNews): void;
  /** Reports how a scan process has ended. */
  watchScan(scan: string, onEnd: (how: string) => void): void;
  onViolation: ViolationSink;
  /** Number of sandboxes that have ended but could not be removed yet. */
  leftBehind: number;
  /** Passes on messages from the program that started the keeper, also those that came before this call. */
  takeNews(onNews: (news: unknown) => void): void;
  /** Called when the keeper has ended, before anything that waits for it fails. */
  onLost: () => void;
  /** Settles when the keeper has hung up. */
  readonly ended: Promise<void>;
  /** Settles when all requests, and those that followed from them, have been answered. */
  idle(): Promise<void>;
  /** Whether the keeper has ended or the link is closed: all requests are refused. */
  isOver(): boolean;
  close(): void;
}

/** Waits for the keeper's first line. */
export function openLink(descriptor: number): Promise<KeeperLink> {
  return linkOver(new Socket({ fd: descriptor }));
}

export async function linkOver(channel: Socket): Promise<KeeperLink> {
  const hello = Promise.withResolvers<Hello>();
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const desk = openNewsDesk();
  let hasHello = false;
  let lastId = 0;
  let isClosed = false;
  let isOver = false;
  let link: KeeperLink | undefined;
  const early: unknown[] = [];
  let onNews = (news: unknown): void => void early.push(news);

  const hear = (said: Said): void => {
    if (said.say === 'answer') {
      desk.expect(startedIn(said.value));
      settle(said.id)?.resolve(said.value);
    } else if (said.say === 'fault') settle(said.id)?.reject(faultOf(said.fault));
    else if (said.say === 'violation') link?.onViolation(said.sandbox, said.violation);
    else if (said.say === 'news') onNews(said.news);
    else if (said.say === 'left') {
      if (link !== undefined) link.leftBehind = said.count;
    } else desk.hear(said);
  };
  const settle = (id: number) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    return asked;
  };
  const ended = hearLines(channel, (value) => {
    if (hasHello) return hear(value as Said);
    hasHello = true;
    hello.resolve(value as Hello);
  }).then(() => {
    isOver = true;
    if (!isClosed) link?.onLost();
    const error = gone();
    hello.reject(error);
    for (const asked of waiting.values()) asked.reject(error);
    waiting.clear();
    desk.close();
  });
  link = {
    hello: await hello.promise,
    nextId: () => ++lastId,
    ask<Op extends Operation>(op: Op, request: Asked<Op>, id = ++lastId) {
      if (isOver) return Promise.reject(gone());
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      sayLine(channel, { op, id, ...request });
      // The operation determines the type of the keeper's answer.
      return answer.promise as Promise<Answers[Op]>;
    },
    watch: desk.watch,
    watchScan: desk.watchScan,
    onViolation: () => {},
    leftBehind: 0,
    takeNews(next) {
      onNews = next;
      for (const news of early.splice(0)) next(news);
    },
    onLost: () => {},
    ended,
    isOver: () => isOver,
    async idle() {
      while (waiting.size > 0) {
        await Promise.allSettled([...waiting.values()].map(({ promise }) => promise));
        await setImmediate();
      }
    },
    close() {
      isClosed = true;
      channel.destroy();
    },
  };
  return link;
}

type EndNews = Extract<Said, { say: 'ended' | 'lost' | 'scanned' }>;

interface NewsDesk extends Pick<KeeperLink, 'watch' | 'watchScan'> {
  /** Keeps news of a sandbox or a scan for its listener, which can't exist before the answer that names it. */
  expect(started: string | undefined): void;
  hear(said: EndNews): void;
  /** Ends every sandbox and every scan, because what the keeper made ends with the keeper. */
  close(): void;
}

/** Passes on the keeper's news of sandboxes and scans. It may arrive together with the answer to the start. */
function openNewsDesk(): NewsDesk {
  const watched = new Map<string, SandboxNews>();
  const scans = new Map<string, (how: string) => void>();
  const early = new Map<string, EndNews[]>();
  let isClosed = false;
  const endScan = (scan: string, how: string): void => {
    scans.get(scan)?.(how);
    scans.delete(scan);
  };
  const endSandbox = (sandbox: string, exit: SandboxExit, usage: SandboxUsage): void => {
    watched.get(sandbox)?.ended(exit, usage);
    watched.delete(sandbox);
  };
  const hear = (said: EndNews): void => {
    const held = early.get(said.say === 'scanned' ? said.scan : said.sandbox);
    if (held !== undefined) held.push(said);
    else if (said.say === 'scanned') endScan(said.scan, said.how);
    else if (said.say === 'lost') watched.get(said.sandbox)?.lost(said.port, said.why);
    else endSandbox(said.sandbox, said.exit, said.usage);
  };
  const tellEarly = (started: string): void => {
    const held = early.get(started) ?? [];
    early.delete(started);
    for (const said of held) hear(said);
  };
  return {
    hear,
    expect: (started) => void (started === undefined || early.set(started, [])),
    watch(sandbox, news) {
      watched.set(sandbox, news);
      tellEarly(sandbox);
      if (isClosed) endSandbox(sandbox, keeperGone, nothingUsed);
    },
    watchScan(scan, onEnd) {
      scans.set(scan, onEnd);
      tellEarly(scan);
      if (isClosed) endScan(scan, keeperEnded);
    },
    close() {
      isClosed = true;
      for (const scan of [...scans.keys()]) endScan(scan, keeperEnded);
      for (const sandbox of [...watched.keys()]) endSandbox(sandbox, keeperGone, nothingUsed);
    },
  };
}

const keeperEnded = 'the keeper has ended';
const keeperGone: SandboxExit = {
  ...{ code: null, signal: 'SIGKILL', outOfMemory: false, seccompKill: false, killed: true },
  runtimeError: 'the process that makes sandboxes has ended',
};
const nothingUsed: SandboxUsage = {
  memoryBytes: 0,
  memoryPeakBytes: 0,
  cpuUsec: 0,
  pids: 0,
  oomKills: 0,
  refusedForks: 0,
};

function gone(): Fault {
  return sandboxFault('SANDBOX_START_FAILED', 'the process that makes sandboxes has ended');
}

/** The name in an answer to `start` or `scan`; no other answer has such a key. */
function startedIn(value: unknown): string | undefined {
  const { sandbox, scan } = (value ?? {}) as { readonly sandbox?: string; readonly scan?: string };
  return sandbox ?? scan;
}

/** Keeps the system error as the cause, so that the server recognises a failing disk, too. */
function faultOf({ code, kind, message, hint, errno }: WireFault): Fault {
  const cause = errno === undefined ? undefined : Object.assign(new Error(message), { code: errno });
  return new Fault(code, kind, message, { ...(hint === undefined ? {} : { hint }), cause });
}
