/**
 * Judges a run by its evidence:
 *
 * - An accepted call ran once, or has a record that says why it did not. A restart is no reason, unless the call was
 *   about to begin when a process was killed.
 * - A call that was answered with a result ran once, and has a record or was reported to have none. Only a call that
 *   was answered just before a kill may lack one, because records are written in groups; of several servers, the one that
 *   was killed must have answered.
 * - An answer of 500 that names an activation has its record, too: of a failure that says why, for which there was a fault.
 * - A call that asks for it (`retried`) runs again after a fault, three times in all, and ends in one record.
 * - A refused call did not run, unless the answer says that Ward does not know, and is never a 500; a 429, 503 or 507 says
 *   when to try again. Nothing ran more often than it was called.
 * - Everything that ran has a record, unless its caller got no answer, or a kill interrupted the whole that it is part
 *   of. No record exists twice.
 * - Counters match what they count, the queue is empty, and nothing is left on the machine.
 */
import {
  type Answer,
  alarmMarker,
  type Evidence,
  type KeptRecord,
  mostAttempts,
  queuedKinds,
  runsOf,
  struck,
  type Violation,
} from './evidence.ts';

export interface Counts {
  answers: number;
  byStatus: Record<string, number>;
  /** Calls whose connection broke. */
  broken: number;
  refused: number;
  runs: number;
  records: number;
  /** Calls whose answer reported that they have no record. */
  lost: number;
  /** Calls that were answered with a result right before a kill, and have no record. */
  unkept: number;
  /** Calls that were accepted, never begun, and recorded as interrupted. */
  neverBegun: number;
}

export interface Judgement {
  readonly counts: Counts;
  readonly violations: readonly Violation[];
}

/** @param slots number of calls that can be between their claim and their first step when a process is killed */
export function judge(evidence: Evidence, slots: number): Judgement {
  const court = new Court(evidence, slots);
  for (const answer of evidence.answers) court.hear(answer);
  court.countRuns();
  court.lookAround();
  return { counts: court.counts, violations: court.violations };
}

/** The platform's reasons for calls that it could not finish, or not run at all. */
const saysWhyNot = /\S{3}/;
/** A busy disk can take this long to write a group of records. */
const keepMs = 2000;
/** A client reads this much later, at most, what a server had sent when it was killed. */
const readMs = 250;
const unheard = /is not heard any more/;
/** Statuses of refusals after which the same call can succeed. */
const saysWhen: ReadonlySet<number> = new Set([429, 503, 507]);
const interrupted = /interrupted|not started|never started/i;

class Court {
  readonly violations: Violation[] = [];
  readonly counts: Counts;
  readonly #records = new Map<string, KeptRecord>();
  readonly #runs = new Map<string, number>();
  readonly #runsOfMarkers = new Map<string, number>();
  readonly #answers: ReadonlyMap<string, Answer>;
  readonly #evidence: Evidence;
  readonly #slots: number;

  constructor(evidence: Evidence, slots: number) {
    this.#evidence = evidence;
    this.#slots = slots;
    for (const record of evidence.records) {
      if (this.#records.has(record.activationId)) this.#blame('doubled record', record.activationId);
      this.#records.set(record.activationId, record);
    }
    for (const { activationId, marker } of evidence.runs) {
      this.#runs.set(activationId, (this.#runs.get(activationId) ?? 0) + 1);
      this.#runsOfMarkers.set(marker, (this.#runsOfMarkers.get(marker) ?? 0) + 1);
    }
    this.#answers = new Map(evidence.answers.map((answer) => [answer.marker, answer]));
    this.counts = {
      ...{ answers: evidence.answers.length, runs: evidence.runs.length, records: evidence.records.length },
      ...{ byStatus: {}, broken: 0, refused: 0, lost: 0, unkept: 0, neverBegun: 0 },
    };
  }

  hear(answer: Answer): void {
    const { status, activationId, isLost } = answer;
    this.counts.byStatus[status] = (this.counts.byStatus[status] ?? 0) + 1;
    if (status === 0) this.counts.broken++;
    else if (activationId === undefined || answer.isDoubtful) this.#hearRefusal(answer);
    else if (isLost) this.counts.lost++;
    else this.#hearAnswered(answer, activationId);
  }

  /** Checks how often every activation and every call ran, including refused calls. */
  countRuns(): void {
    const retried = new Set(
      this.#evidence.answers.filter(({ kind }) => kind === 'retried').map(({ activationId }) => activationId),
    );
    const attempts = this.#evidence.isCalm === true ? 1 : mostAttempts;
    for (const [id, count] of this.#runs)
      if (count > (retried.has(id) ? attempts : 1)) this.#blame('ran twice', `${id} ran ${count} times`);
    for (const [marker, count] of this.#runsOfMarkers) {
      const answer = this.#answers.get(marker);
      if (marker === alarmMarker) continue;
      if (answer === undefined) this.#blame('ran unasked', marker);
      else if (count > runsOf[answer.kind] * (answer.kind === 'retried' ? attempts : 1))
        this.#blame('ran too often', `${name(answer)} ran ${count} times`);
    }
    for (const { activationId, marker } of this.#evidence.runs) {
      if (this.#records.has(activationId)) continue;
      const answer = this.#answers.get(marker);
      // The caller got no answer. A call from the queue must still have a record.
      const isUntold = answer !== undefined && !queuedKinds.has(answer.kind) && answer.status === 0;
      if (
        !isUntold &&
        answer?.isLost !== true &&
        !this.#isUnkept(answer) &&
        !this.#isCutOff(activationId, answer)
      )
        this.#blame('ran without a record', `${activationId} of ${answer ? name(answer) : marker}`);
    }
  }

  lookAround(): void {
    for (const { name, says, counted } of this.#evidence.counters)
      if (says !== counted) this.#blame('wrong counter', `${name} says ${says}, there are ${counted}`);
    const { neverBegun } = this.counts;
    const { kills, silences } = this.#evidence;
    const most = (kills.length + silences.length) * this.#slots;
    if (neverBegun > most)
      this.#blame('interrupted before they began', `${neverBegun} calls; the faults explain ${most}`);
    for (const id of this.#evidence.queued) this.#blame('left in the queue', id);
    for (const what of this.#evidence.left) this.#blame('left on the machine', what);
    this.violations.push(...(this.#evidence.found ?? []));
  }

  #hearRefusal(answer: Answer): void {
    this.counts.refused++;
    const { status, marker, text } = answer;
    if (status < 400) this.#blame('an answer without an activation', `${name(answer)}: ${text}`);
    if (status === 500) this.#blame('an internal error', `${name(answer)}: ${text}`);
    if (saysWhen.has(status) && answer.hasRetryAfter !== true)
      this.#blame('a refusal that does not say when to come again', `${name(answer)}: ${text}`);
    if (this.#runsOfMarkers.has(marker) && answer.isDoubtful !== true)
      this.#blame('ran though refused', `${name(answer)}: ${text}`);
  }

  #hearAnswered(answer: Answer, activationId: string): void {
    const record = this.#records.get(activationId);
    if (record === undefined) {
      if (this.#isUnkept(answer)) this.counts.unkept++;
      else this.#blame('no record', `${activationId} of ${name(answer)}`);
      return;
    }
    if (answer.status === 500) this.#hearInternalError(answer, record);
    if (answer.kind === 'retried') this.#hearRetried(answer, record);
    if (record.parts === undefined) {
      this.#hearRun(answer, record);
      return;
    }
    if (answer.kind !== 'sequence' && answer.kind !== 'conductor') this.#hearStarted(answer, record);
    for (const part of record.parts) {
      if ('error' in part) continue;
      const kept = this.#records.get(part.activationId);
      if (kept === undefined) this.#blame('no record of a part', `${part.activationId} of ${name(answer)}`);
      else this.#hearRun(answer, kept);
    }
  }

  #hearInternalError(answer: Answer, { activationId, isSuccess, error }: KeptRecord): void {
    const what = `${activationId} of ${name(answer)}: ${error}`;
    if (isSuccess) this.#blame('an internal error whose record says success', what);
    else if (!saysWhyNot.test(error)) this.#blame('an internal error that says nothing', what);
    if (this.#evidence.isCalm === true) this.#blame('an internal error without a fault', what);
  }

  /** Each fault ends one attempt at most. */
  #hearRetried(answer: Answer, { activationId, isSuccess, error }: KeptRecord): void {
    const { kills, silences } = this.#evidence;
    if (!isSuccess && interrupted.test(error) && kills.length + silences.length < mostAttempts)
      this.#blame('not run again', `${activationId} of ${name(answer)}: ${error}`);
  }

  #isUnkept(answer: Answer | undefined): boolean {
    if (answer === undefined || answer.status === 202) return false;
    const { at, via } = answer;
    return this.#evidence.kills.some(
      (kill) => struck(kill, via) && kill.at - at < keepMs && at - kill.at < readMs,
    );
  }

  /** Whether a kill ended the part: then the record of the whole says so. */
  #isCutOff(activationId: string, answer: Answer | undefined): boolean {
    if (this.#evidence.kills.length === 0 || answer?.activationId === activationId) return false;
    const whole = this.#records.get(answer?.activationId ?? '');
    return whole !== undefined && !whole.isSuccess && interrupted.test(whole.error);
  }

  /** Checks that a firing starts the action of its one rule, or says why not. */
  #hearStarted(answer: Answer, { activationId, parts = [] }: KeptRecord): void {
    if (parts.length !== 1)
      this.#blame(
        'a firing without its rule',
        `${activationId} of ${name(answer)} has ${parts.length} entries`,
      );
    for (const part of parts)
      if ('error' in part && !saysWhyNot.test(part.error))
        this.#blame('a firing that says nothing', activationId);
  }

  #hearRun(answer: Answer, record: KeptRecord): void {
    const { activationId, isSuccess, error } = record;
    if (this.#evidence.isCalm === true && !isSuccess && interrupted.test(error))
      this.#blame('interrupted without a fault', `${activationId} of ${name(answer)}: ${error}`);
    if ((this.#runs.get(activationId) ?? 0) > 0) return;
    const what = `${activationId} of ${name(answer)}: ${error}`;
    if (isSuccess) this.#blame('success without a run', what);
    else if (!saysWhyNot.test(error)) this.#blame('not run, and does not say why', what);
    // A node that is too busy to say that it lives is lost, too.
    if (isSuccess || !interrupted.test(error) || unheard.test(error)) return;
    if (answer.status === 202) this.counts.neverBegun++;
  }

  #blame(rule: string, what: string): void {
    this.violations.push({ rule, what });
  }
}

function name({ kind, marker, status }: Answer): string {
  return `${kind} ${marker} (${status === 0 ? 'no answer' : status})`;
}
