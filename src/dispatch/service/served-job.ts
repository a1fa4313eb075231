/** A job that runs here for an API node, until that node has its result and its log. */
import { type Fault, hostTroubleOf, isFault, messageOf } from '../../lib/index.ts';
import { sandboxFault } from '../../sandbox/index.ts';
import type { ActivationLog } from '../activation-log.ts';
import { dispatchFault, mayGoElsewhere } from '../faults.ts';
import type { Completion } from '../types.ts';
import { completionHead, faultHead, plain } from '../wire/heads.ts';
import { toParts } from '../wire/log-parts.ts';
import type { Message } from '../wire/messages.ts';

export interface ServedJob {
  readonly key: string;
  /** The API node, and its process. */
  readonly api: string;
  readonly start: string;
  readonly activationId: string;
  readonly attempt: number;
  /** The API node has been told that the job is here. */
  isReceipted: boolean;
  /** Answers the question whether it begins. Set while that is asked. */
  begin: ((mayBegin: boolean) => void) | undefined;
  askedAt: number;
  /** The invoker has ended it. */
  hasEnded: boolean;
  /** No one waits for its result any more. */
  isAbandoned: boolean;
  /** What was sent about its end and is not acknowledged. */
  readonly kept: Message[];
  keptBytes: number;
  /** When all of that was there, and how often it was sent again. */
  endedAt: number;
  resends: number;
}

type Of = Pick<ServedJob, 'activationId' | 'attempt'>;

/** Up to this size a log goes in one message with the result. */
const smallLogBytes = 64 * 1024;

/**
 * @param offsetMs this clock minus the clock of the API node
 * @param log absent if it comes later
 */
export function resultMessage(
  of: Of,
  completion: Completion,
  offsetMs: number,
  log: ActivationLog | undefined,
): { readonly message: Message; readonly hasLog: boolean } {
  const { activationId, attempt } = of;
  const times = { startedAt: completion.startedAt - offsetMs, endedAt: completion.endedAt - offsetMs };
  const head = { completion: { ...completionHead(completion), ...times } };
  const result = completion.utf8 ?? Buffer.from(completion.json);
  const { parts, ...form } = toParts(log ?? []);
  const [only] = parts;
  const isSmall =
    log !== undefined && parts.length === 1 && only !== undefined && only.length <= smallLogBytes;
  const message: Message = {
    ...{ type: 'res', activationId, attempt },
    head: plain(isSmall ? { ...head, log: { ...form, bytes: only.length } } : head),
    tail: isSmall && only.length > 0 ? Buffer.concat([result, only]) : result,
  };
  return { message, hasLog: isSmall };
}

export function logMessages({ activationId, attempt }: Of, log: ActivationLog): readonly Message[] {
  const { parts, ...form } = toParts(log);
  return parts.map((tail, part) => ({
    ...{ type: 'log', activationId, attempt, tail },
    head: plain({ ...form, part, parts: parts.length }),
  }));
}

/** Says why the job was not run. */
export function refusalMessage({ activationId, attempt }: Of, error: unknown): Message {
  const fault = isFault(error) ? error : faultFor(error);
  const head = { fault: faultHead(fault), isElsewhere: mayGoElsewhere(fault) };
  return { type: 'nack', activationId, attempt, head: plain(head), tail: Buffer.alloc(0) };
}

/** With trouble of its machine, the node lives, and the API node can try again. */
function faultFor(error: unknown): Fault {
  if (hostTroubleOf(error) === undefined) return dispatchFault('INVOKER_LOST', messageOf(error));
  return sandboxFault('SANDBOX_START_FAILED', messageOf(error), { cause: error });
}

/** The log if it is there within this turn. */
export async function logInTurn(log: Promise<ActivationLog>): Promise<ActivationLog | undefined> {
  let found: ActivationLog | undefined;
  log.then(
    (value) => {
      found = value;
    },
    () => {},
  );
  await undefined;
  await undefined;
  return found;
}
