/**
 * `ward action invoke`. The record is always asked for and unwrapped here: so a failing action can be told by
 * its status, and its log shown.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isFault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { ApiAnswer, ApiClient } from '../client.ts';
import { answerFault } from '../client-faults.ts';
import type { Context, Handler } from '../command-spec.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { cliFault, exitActionError } from '../faults.ts';
import { collectParameters } from '../parameters.ts';
import { printableLine } from '../printable.ts';
import { logLinesOf, stripLogLine } from './activation-view.ts';

/** The server itself waits for an action for a minute at most unless it is told otherwise, then answers 202. */
const blockingTimeoutMs = 15 * 60_000;
const shownLogLines = 10;

export const invoke: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const parameters = (await collectParameters(sources, context.stdin)) ?? {};
  const isBlocking = input.has('blocking') || input.has('result');
  const client = await context.client();
  const call = {
    method: 'POST',
    path: name.segments('actions'),
    query: { blocking: isBlocking, result: false },
    body: parameters,
    accepts: [500, 502],
    ...(isBlocking ? { timeoutMs: blockingTimeoutMs } : {}),
  } as const;
  const answer = await client.send(call);
  if (answer.status === 202) return accepted(context, name, answer, isBlocking);
  const record = recordOf(answer);
  if (record === undefined) {
    const auth = context.settings().auth ?? { value: '', source: '' };
    throw answerFault(answer, `POST /api/v1/${call.path.join('/')}`, auth);
  }
  return finished(context, client, name, record, input.has('result'));
};

async function accepted(
  context: Context,
  name: EntityName,
  answer: ApiAnswer,
  wasBlocking: boolean,
): Promise<number> {
  const id = isJsonObject(answer.body) ? textOf(answer.body['activationId']) : '';
  if (wasBlocking)
    throw cliFault('SERVER_TIMED_OUT', `${name.path} is still running, as activation ${id}`, {
      hint: `ward activation get ${id}`,
    });
  context.io.ok(`invoked ${name.path}, see: ward activation get ${id}`);
  const { format } = context.io;
  if (format === 'json' || format === 'yaml') await context.io.value(answer.body);
  else context.io.lines([printableLine(id)]);
  return 0;
}

async function finished(
  context: Context,
  client: ApiClient,
  name: EntityName,
  record: JsonObject,
  wantsResult: boolean,
): Promise<number> {
  const response = objectOf(record['response']);
  const result = response['result'] ?? null;
  const id = textOf(record['activationId']);
  const { io } = context;
  if (wantsResult) await io.value(result);
  else {
    io.ok(`invoked ${name.path} with id ${id}`);
    await io.value(record);
  }
  if (response['success'] === true) return 0;
  const what = `${name.path} ended with '${textOf(response['status'])}'`;
  io.problem('ACTION_FAILED', what, { why: errorText(result) });
  const lines = await logTail(client, id, context.settings().namespace.value);
  if (lines.length > 0) io.note(`log:   ${lines.map(printableLine).join('\n       ')}`);
  io.note(`try:   ward activation logs ${id}`);
  return exitActionError;
}

/** The answer as a record: array results come bare, and API errors come with the same status as failed runs. */
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

function errorText(result: JsonValue): string {
  const error = isJsonObject(result) ? result['error'] : result;
  if (isJsonObject(error) && typeof error['message'] === 'string') return error['message'];
  return typeof error === 'string' ? error : JSON.stringify(error ?? null);
}

/** The last lines of the log; the record that has them is written a moment after the result is out. */
async function logTail(client: ApiClient, id: string, namespace: string): Promise<string[]> {
  for (const waitMs of [0, 100, 300]) {
    await delay(waitMs);
    try {
      const path = ['namespaces', namespace, 'activations', id];
      const record = await client.sendForObject({ method: 'GET', path, timeoutMs: 5000 });
      return logLinesOf(record).slice(-shownLogLines).map(stripLogLine);
    } catch (error) {
      // The failure of the action is what is being told; a log that can't be had is not another one.
      if (!isFault(error)) throw error;
    }
  }
  return [];
}
