/**
 * Interprets the replies of a program that speaks OpenWhisk's HTTP contract, with OpenWhisk's texts
 * (docs/actions-new.md, `core/entity/ActivationResult.scala`, `http/ErrorResponse.scala`).
 */
import { isJsonObject, type JsonValue, nestsDeeperThan } from '../../lib/index.ts';
import type { ActionReply } from './action-http.ts';
import type { InitOutcome, RunOutcome } from './runner.ts';

const ok = 200;
/** The program is busy or about to end, and has not begun the activation. */
const unavailable = 503;
/** Deeper nesting would parse, and then overflow the stack of code that walks it. */
const maxDepth = 500;
const shownBytes = 64 * 1024;

export function initOutcome(reply: ActionReply): InitOutcome {
  if (reply.status === ok) return { kind: 'ok' };
  return { kind: 'refused', error: errorOf(reply, 'The action failed during initialization') };
}

export function runOutcome(reply: ActionReply): RunOutcome {
  const { status, text, lengthBytes, isCut } = reply;
  if (status === unavailable) return { kind: 'busy', error: errorOf(reply, notValid) };
  if (status !== ok) return { kind: 'refused', error: errorOf(reply, notValid) };
  if (isCut) return { kind: 'too-large', lengthBytes, head: text };
  const value = parse(text);
  if (typeof value !== 'object' || value === null)
    return { kind: 'refused', error: withText(notValid, text) };
  return { kind: 'value', value, json: JSON.stringify(value) };
}

const notValid = 'The action did not produce a valid JSON or JSON Array response';

/** The error that the program names, or its text. */
function errorOf({ text, isCut }: ActionReply, complaint: string): JsonValue {
  const value = isCut ? undefined : parse(text);
  const error = isJsonObject(value) ? value['error'] : undefined;
  return error ?? withText(complaint, text);
}

function withText(complaint: string, text: string): string {
  return text === '' ? `${complaint}.` : `${complaint}: ${text.slice(0, shownBytes)}`;
}

function parse(text: string): JsonValue | undefined {
  if (nestsDeeperThan(text, maxDepth)) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
