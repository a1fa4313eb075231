/** The server's end of the line to its keeper. */
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '../lib/index.ts';
import { type SandboxExit, type SandboxUsage, sandboxFault, type ViolationSink } from '../sandbox/index.ts';
import { hearLines, sayLine } from './lines.ts';
import type { Answers, Hello, Operation, Request, Said, WireFault } from './wire.ts';

/** Where the server finds the line. */
export const keeperDescriptor = 3;

type Asked<Op extends Operation> = Omit<Extract<Request, { op: Op }>, 'op' | 'id'>;

/** What the keeper tells of a sandbox without being asked. */
interface SandboxNews {
  ended(exit: SandboxExit, usage: SandboxUsage): void;
  lost(port: number, why: string): void;
}

export interface KeeperLink {
  readonly hello: Hello;
  /** @throws Fault what the keeper refuses with; SANDBOX_START_FAILED when it is gone */
  ask<Op extends Operation>(op: Op, request: Asked<Op>, id?: number): Promise<Answers[Op]>;
  /** A number for the next request that needs to know it. */
  nextId(): number;
  /** Hears of a sandbox until it has ended. The keeper tells nothing of it before it has answered that it started. */
  watch(sandbox: string, news: SandboxNews): void;
  /** Hears how a process that scans has ended. */
  watchScan(scan: string, onEnd: (how: string) => void): void;
  onViolation: ViolationSink;
  /** How many sandboxes have ended and could not be taken away yet. */
  leftBehind: number;
  /** Hears messages of the program that started the keeper. */
  onNews: (news: unknown) => void;
  /** The keeper is gone, and nothing that waits for it has been told yet. */
  onLost: () => void;
  /** Settles when the keeper has hung up. */
  readonly ended: Promise<void>;
  /** Settles when all that was asked, and what followed from it, has been answered. */
  idle(): Promise<void>;
  /** Nothing more is asked, and what was asked is refused. */
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

  const hear = (said: Said): void => {
    if (said.say === 'answer') {
      desk.expect(startedIn(said.value));
      settle(said.id)?.resolve(said.value);
    } else if (said.say === 'fault') settle(said.id)?.reject(faultOf(said.fault));
    else if (said.say === 'violation') link?.onViolation(said.sandbox, said.violation);
    else if (said.say === 'news') link?.onNews(said.news);
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
      // The operation decides the type of the keeper's answer.
      return answer.promise as Promise<Answers[Op]>;
    },
    watch: desk.watch,
    watchScan: desk.watchScan,
    onViolation: () => {},
    leftBehind: 0,
    onNews: () => {},
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
  /** Keeps news of a sandbox or a scan for its listener, who can't be there before the answer that names it. */
  expect(started: string | undefined): void;
  hear(said: EndNews): void;
  /** The keeper is gone, and every scan with it. */
  close(): void;
}

/** Hands on what the keeper tells of sandboxes and scans. It may come in one piece with the answer to the start. */
function openNewsDesk(): NewsDesk {
  const watched = new Map<string, SandboxNews>();
  const scans = new Map<string, (how: string) => void>();
  const early = new Map<string, EndNews[]>();
  let isClosed = false;
  const endScan = (scan: string, how: string): void => {
    scans.get(scan)?.(how);
    scans.delete(scan);
  };
  const hear = (said: EndNews): void => {
    const held = early.get(said.say === 'scanned' ? said.scan : said.sandbox);
    if (held !== undefined) held.push(said);
    else if (said.say === 'scanned') endScan(said.scan, said.how);
    else if (said.say === 'lost') watched.get(said.sandbox)?.lost(said.port, said.why);
    else {
      watched.get(said.sandbox)?.ended(said.exit, said.usage);
      watched.delete(said.sandbox);
    }
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
    },
    watchScan(scan, onEnd) {
      scans.set(scan, onEnd);
      tellEarly(scan);
      if (isClosed) endScan(scan, keeperEnded);
    },
    close() {
      isClosed = true;
      for (const scan of [...scans.keys()]) endScan(scan, keeperEnded);
    },
  };
}

const keeperEnded = 'the keeper has ended';

function gone(): Fault {
  return sandboxFault('SANDBOX_START_FAILED', 'the process that makes sandboxes has ended');
}

/** What an answer to `start` or `scan` names; no other answer has such a key. */
function startedIn(value: unknown): string | undefined {
  const { sandbox, scan } = (value ?? {}) as { readonly sandbox?: string; readonly scan?: string };
  return sandbox ?? scan;
}

/** With what the system answered as its cause, so that a failing disk is known as such on this side too. */
function faultOf({ code, kind, message, hint, errno }: WireFault): Fault {
  const cause = errno === undefined ? undefined : Object.assign(new Error(message), { code: errno });
  return new Fault(code, kind, message, { ...(hint === undefined ? {} : { hint }), cause });
}
