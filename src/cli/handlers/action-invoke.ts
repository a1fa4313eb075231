/**
 * `ward action invoke`. Always asks for the record and unwraps it here: its status tells whether the action failed,
 * and then its log is shown.
 */
import { isJsonObject, type JsonObject, randomHex } from '../../lib/index.ts';
import type { ApiAnswer, ApiClient } from '../client.ts';
import { answerFault } from '../client-faults.ts';
import type { Context, Handler } from '../command-spec.ts';
import { stripLogLine, textOf } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import { followRun } from '../follow.ts';
import type { Input } from '../input.ts';
import { collectParameters } from '../parameters.ts';
import { printableLine } from '../printable.ts';
import { isSuccess, logTail, reportFailure, resultOf } from './activation-outcome.ts';
import { partialNoteOf } from './activation-view.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

/** By default the server waits for an action for at most a minute, then answers 202. */
export const blockingTimeoutMs = 15 * 60_000;

export const invoke: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const parameters = (await collectParameters(sources, context)) ?? {};
  const client = await context.client();
  const isWaiting = input.has('blocking') || input.has('result');
  const isBlocking = isWaiting && !input.has('follow');
  const call = {
    method: 'POST',
    path: name.segments('actions'),
    query: { blocking: isBlocking, result: false },
    body: parameters,
    accepts: [500, 502],
    ...(isBlocking ? { timeoutMs: blockingTimeoutMs } : {}),
    requestId: randomHex(16),
  } as const;
  const answer = await interruptible((signal) => client.send({ ...call, signal }));
  if (answer === undefined) return brokenOff(context, client, name, call.requestId);
  if (answer.status === 202)
    return input.has('follow')
      ? followed(input, context, client, name, idOf(answer))
      : accepted(context, name, answer, isBlocking);
  const record = recordOf(answer);
  if (record === undefined)
    throw answerFault(answer, `POST /api/v1/${call.path.join('/')}`, context.settings().auth);
  await show(input, context, name, record);
  if (isSuccess(record)) return 0;
  const lines = await logTail(client, context.settings().namespace.value, textOf(record['activationId']));
  return reportFailure(context.io, name.path, record, lines);
};

async function accepted(
  context: Context,
  name: EntityName,
  answer: ApiAnswer,
  wasBlocking: boolean,
): Promise<number> {
  const id = idOf(answer);
  if (wasBlocking)
    throw cliFault('SERVER_TIMED_OUT', `${name.path} is still running, as activation ${id}`, {
      hint: `ward activation logs --follow ${id}, or ward activation get ${id}`,
    });
  context.io.ok(`invoked ${name.path}, see: ward activation get ${id}`);
  const { format } = context.io;
  if (format === 'json' || format === 'yaml') await context.io.value(answer.body);
  else context.io.lines([printableLine(id)]);
  return 0;
}

/** Writes the log to stderr as it arrives: stdout is for the result. */
async function followed(
  input: Input,
  context: Context,
  client: ApiClient,
  name: EntityName,
  activationId: string,
): Promise<number> {
  const { io } = context;
  io.note(`invoked ${name.path} with id ${activationId}`);
  let hasEnded = false;
  const record = await interruptible(async (signal) => {
    const found = await followRun(client, {
      namespace: context.settings().namespace.value,
      activationId,
      onLine: (line) => io.note(printableLine(stripLogLine(line))),
      signal,
    });
    hasEnded = true;
    return found;
  });
  if (!hasEnded) return goesOn(context, name, activationId);
  if (record === undefined)
    throw cliFault('NOT_FOUND', `${name.path} has ended, and the server keeps no record of it`);
  const partial = partialNoteOf(record);
  if (partial !== undefined) io.note(partial);
  await show(input, context, name, record);
  return isSuccess(record) ? 0 : reportFailure(io, name.path, record, []);
}

/** Reports how to follow a call that continues after the caller stopped waiting. @returns the exit code */
async function brokenOff(
  context: Context,
  client: ApiClient,
  name: EntityName,
  requestId: string,
): Promise<number> {
  const path = ['namespaces', context.settings().namespace.value, 'requests', requestId];
  const call = { method: 'GET', root: '/ward/v1', path, timeoutMs: 2000 } as const;
  const known = await client.find(call).catch(() => undefined);
  const id = textOf(known?.['activationId']);
  if (id !== '') return goesOn(context, name, id);
  context.io.problem('INTERRUPTED', `${name.path} may have been called`, {
    hint: `ward activation list ${name.path}`,
  });
  return exitInterrupted;
}

function goesOn({ io }: Context, name: EntityName, id: string): number {
  io.problem('INTERRUPTED', `${name.path} continues, as activation ${id}`, {
    hint: `ward activation logs --follow ${id}, then ward activation result ${id}`,
  });
  return exitInterrupted;
}

async function show(input: Input, { io }: Context, name: EntityName, record: JsonObject): Promise<void> {
  if (input.has('result')) return io.value(resultOf(record));
  io.ok(`invoked ${name.path} with id ${textOf(record['activationId'])}`);
  await io.value(record);
}

function idOf({ body }: ApiAnswer): string {
  return isJsonObject(body) ? textOf(body['activationId']) : '';
}

/** The answer as a record: array results have no envelope, and API errors have the same status as failed runs. */
function recordOf(answer: ApiAnswer): JsonObject | undefined {
  const { body, headers } = answer;
  if (isJsonObject(body)) return isJsonObject(body['response']) ? body : undefined;
  if (!Array.isArray(body)) return undefined;
  const activationId = headers['x-openwhisk-activation-id'];
  return {
    ...(typeof activationId === 'string' ? { activationId } : {}),
    response: { status: 'success', success: true, result: body },
  };
}
