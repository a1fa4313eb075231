/**
 * One sandbox with a program from a user's image, which speaks OpenWhisk's HTTP contract on port 8080 of its own
 * loopback: `POST /init` once, then `POST /run`. All its output is untrusted.
 *
 *   starting ──port open──▶ ──/init──▶ serving ──▶ ended
 *       └─────────────────────┴───────────▲   (crash, limit, no HTTP response, `end()`)
 *
 * It is initialised as soon as its port is open, so the time until then is part of its initialisation, as in
 * OpenWhisk. A connection that ends without a complete response ends the sandbox, because its state is unknown.
 */
import type { ActionLimits, LogFollower } from '../../dispatch/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { Sandbox, Violation } from '../../sandbox/index.ts';
import type { Intake, Intakes } from '../channel/intake.ts';
import { LogStreams } from '../logs/log-streams.ts';
import { type ActionHttp, type ActionReply, createActionHttp } from './action-http.ts';
import { initOutcome, runOutcome } from './action-replies.ts';
import { contractFields, identityFields } from './contract-fields.ts';
import { type Culprit, CulpritNotes } from './culprit.ts';
import {
  type Failure,
  type InitEnd,
  type InitRequest,
  noLogs,
  type RunEnd,
  type RunLimits,
  type Runner,
  type RunOutcome,
  type RunRequest,
} from './runner.ts';
import { endSandbox } from './sandbox-end.ts';
import { TrafficMeter } from './traffic-meter.ts';

export interface BlackboxOptions {
  readonly sandbox: Sandbox;
  /** The action's code as `/init` gets it: text or base64. Undefined if the action is only an image. */
  readonly code: string | undefined;
  readonly logBytes: number;
  readonly intakes: Intakes;
  readonly resultBytes?: number | undefined;
}

const port = 8080;
/** Replies of this size or more are charged to the namespace. */
const bulkBytes = 16 * 1024;

interface Failed {
  readonly kind: 'failed';
  readonly failure: Failure;
}

export class BlackboxRunner implements Runner {
  readonly ended: Promise<Failure>;
  readonly #options: BlackboxOptions;
  readonly #http: ActionHttp;
  readonly #logs: LogStreams;
  readonly #settleEnded: (failure: Failure) => void;
  #intake: Intake | undefined;
  /** The action and its namespace, sent with every `/run`. */
  #identity: JsonObject = {};
  #underWay = 0;
  #ending: Promise<Failure> | undefined;
  #frozen = false;
  readonly #notes = new CulpritNotes();
  readonly #traffic = new TrafficMeter();

  /** @throws Fault PORT_UNREACHABLE if the runtime cannot reach its network */
  constructor(options: BlackboxOptions) {
    const { sandbox, logBytes, resultBytes } = options;
    this.#options = options;
    this.#logs = new LogStreams(sandbox.stdout, sandbox.stderr, 'bare');
    // Set at once, because output before the initialisation is kept too.
    this.#logs.limitBytes = logBytes;
    const opened = sandbox.openPort(port);
    this.#http = createActionHttp(() => opened.connect(), { resultBytes, intake: () => this.#intake });
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.#settleEnded = resolve;
    void sandbox.exited.then(({ traffic }) => {
      this.#traffic.read(traffic);
      void this.end('exited');
    });
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  async init(request: InitRequest, limits: ActionLimits): Promise<InitEnd> {
    const log = this.#logs.open('init');
    this.#logs.isConcurrent = limits.concurrency > 1;
    const cause = this.#notes.own(request.env);
    this.#intake = this.#options.intakes.of(this.#notes.namespace);
    this.#logs.chargeTo(this.#intake);
    this.#identity = identityFields(request.env);
    const { code } = this.#options;
    const value = code === undefined ? request : { ...request, code };
    const reply = await this.#exchange('/init', JSON.stringify({ value }), limits);
    const outcome = reply.kind === 'failed' ? reply : initOutcome(reply.reply);
    const violations = await this.#violationsOf(cause);
    // Without an activation, it counts for the first run.
    const noted = { violations, traffic: cause === '' ? undefined : this.#traffic.take() };
    if (outcome.kind !== 'ok')
      return { outcome, logs: log.finish({ isQuiet: false, hasFailed: true }), ...noted };
    log.carry({ isQuiet: true });
    return { outcome, logs: noLogs, ...noted };
  }

  async run(request: RunRequest, limits: RunLimits): Promise<RunEnd> {
    const log = this.#logs.open(request.id);
    this.#notes.begin(request.id);
    const [startedAt, begun] = [Date.now(), performance.now()];
    const fields = contractFields(request.env);
    const json = JSON.stringify({ value: request.value, ...this.#identity, ...fields });
    const reply = await this.#exchange('/run', json, limits).catch(() => this.#lost());
    const outcome = reply.kind === 'failed' ? reply : this.#outcomeOf(reply.reply);
    const hasFailed = outcome.kind === 'failed' || outcome.kind === 'refused';
    const logs = log.finish({ isQuiet: false, hasFailed });
    const serviceMs = performance.now() - begun;
    const violations = await this.#violationsOf(request.id);
    return { outcome, logs, startedAt, serviceMs, violations, traffic: this.#traffic.take() };
  }

  #outcomeOf(reply: ActionReply): RunOutcome {
    // Parsing a large reply is work.
    if (reply.text.length >= bulkBytes) this.#intake?.takeTurn();
    return runOutcome(reply);
  }

  /** The contract allows one call at a time, so none is handed over before the last is answered. */
  takesEarly(): boolean {
    return false;
  }

  reclaim(): void {}

  async freeze(): Promise<void> {
    if (this.#ending || this.#frozen || this.#underWay > 0) return;
    this.#frozen = true;
    this.#http.rest();
    await this.#options.sandbox.freeze();
  }

  cpuUsec(): number {
    return this.#options.sandbox.cpuUsec();
  }

  standBack(isBehind: boolean): void {
    this.#options.sandbox.standBack(isBehind);
  }

  note(violation: Violation): Culprit {
    return this.#notes.note(violation);
  }

  end(reason: Failure): Promise<Failure> {
    this.#ending ??= this.#finish(reason);
    return this.#ending;
  }

  isLogging(id: string): boolean {
    return this.#logs.has(id);
  }

  follow(id: string, follower: LogFollower, isContinued: boolean): Disposable | undefined {
    return this.#logs.follow(id, follower, isContinued);
  }

  async #violationsOf(activationId: string): Promise<readonly Violation[] | undefined> {
    const { sandbox } = this.#options;
    this.#traffic.read(await sandbox.refusalsTold?.());
    sandbox.examine();
    return this.#notes.end(activationId);
  }

  async #finish(reason: Failure): Promise<Failure> {
    const failure = await endSandbox(this.#options.sandbox, reason);
    this.#http.rest();
    // For the caller, a silent server and a dead one are the same.
    const reported = failure === 'channel-closed' ? 'exited' : failure;
    this.#settleEnded(reported);
    return reported;
  }

  async #exchange(
    path: '/init' | '/run',
    json: string,
    { timeoutMs }: RunLimits,
  ): Promise<{ readonly kind: 'reply'; readonly reply: ActionReply } | Failed> {
    if (this.#ending) return { kind: 'failed', failure: await this.#ending };
    let hasTimedOut = false;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      void this.end('timeout');
    }, timeoutMs);
    this.#underWay++;
    try {
      this.#thaw();
      const reply = await this.#http.post(path, json);
      if (reply) return { kind: 'reply', reply };
      const failure = await this.end('channel-closed');
      // The other runs did not exceed their time; they only lost their sandbox.
      return { kind: 'failed', failure: failure === 'timeout' && !hasTimedOut ? 'exited' : failure };
    } catch (error) {
      // An ended sandbox cannot be reached either, but that is not the platform's failure.
      const failure = await this.end('unreachable');
      if (failure === 'unreachable') throw error;
      return { kind: 'failed', failure };
    } finally {
      this.#underWay--;
      clearTimeout(timer);
    }
  }

  #lost(): Failed {
    return { kind: 'failed', failure: 'unreachable' };
  }

  #thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#options.sandbox.thaw().catch(() => void this.end('exited'));
  }
}
