/**
 * Calls web actions in two steps, so that Ward reads no body for a refused call: `open` finds the action and decides whether
 * the caller may call it; `run` calls it and makes an answer of its result. The URLs of web actions and the API gateway both
 * end here.
 */
import type { IncomingHttpHeaders } from 'node:http';
import {
  type EntityRef,
  type Functions,
  type Identity,
  jsonOf,
  type WebExtension,
} from '../../functions/index.ts';
import { isFault, type JsonObject } from '../../lib/index.ts';
import { recordHeader } from '../errors.ts';
import { traceparentOf } from '../transaction.ts';
import { accepts } from './accept.ts';
import { type AnswerHeaders, errorAnswer, type Shaped, type WebAnswer, withHeaders } from './answer.ts';
import { webArguments } from './arguments.ts';
import { claimsOfCaller, refusalOf, type TokenGuard } from './bearer.ts';
import type { OwnerShare } from './owner-share.ts';
import { isAdmitted } from './settings.ts';
import { shapeResult } from './shape.ts';
import { findWebAction, type WebAction } from './web-action.ts';

/** A request without its body. */
export interface WebHead {
  readonly action: EntityRef;
  readonly extension: WebExtension;
  /** In capitals. */
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The rest of the URL's path after the action, percent-encoded. */
  readonly path: string;
  /** Percent-encoded. */
  readonly query: string;
  readonly pathParameters: JsonObject;
  readonly transactionId: string;
}

export interface WebCall {
  /** Headers of every answer. */
  readonly headers: AnswerHeaders;
  /** The answer, if there is one without running the action. */
  readonly answer: WebAnswer | undefined;
  /**
   * @throws Fault QUERY_INVALID, PARAMETERS_NOT_ALLOWED, BODY_NOT_JSON, BODY_TOO_DEEP, BODY_INVALID,
   * WEB_SHARE_EXCEEDED, and those of invoking
   */
  run(body: Buffer | undefined): Promise<WebAnswer>;
}

export interface WebActions {
  /** @throws Fault NOT_FOUND for an action that does not exist or is not offered to the web */
  open(head: WebHead): Promise<WebCall>;
}

interface WebActionsOptions {
  readonly functions: Pick<Functions, 'actions' | 'namespaces' | 'invocations' | 'limits'>;
  readonly share: OwnerShare;
  readonly guard: TokenGuard;
}

export function createWebActions(options: WebActionsOptions): WebActions {
  return {
    async open(head) {
      const key = await keyOf(options.functions, head.headers.authorization);
      const action = await findWebAction(options.functions, head.action, key);
      const { hasOwnOptions } = action.settings;
      const headers = hasOwnOptions ? {} : corsHeaders(head.headers);
      const { answer, claims } = await admit(options.guard, head, action);
      return {
        headers,
        answer: answer === undefined ? undefined : withHeaders(answer, headers),
        run: async (body) => withHeaders(await run(options, head, { ...action, claims }, body), headers),
      };
    },
  };
}

/** Returns the owner of the key in the header; any other header is for the action to read. */
async function keyOf(
  { namespaces }: Pick<Functions, 'namespaces'>,
  authorization: string | undefined,
): Promise<Identity | undefined> {
  if (authorization === undefined) return undefined;
  try {
    return await namespaces.authenticate(authorization);
  } catch (error) {
    if (isFault(error) && error.kind === 'unauthenticated') return undefined;
    throw error;
  }
}

interface Admission {
  /** If there is one without running the action. */
  readonly answer?: WebAnswer;
  readonly claims?: JsonObject | undefined;
}

/** Answers OPTIONS of browsers, which come without credentials, unless the action answers them itself. */
async function admit(guard: TokenGuard, head: WebHead, { settings, user }: WebAction): Promise<Admission> {
  const { authorization, 'x-require-whisk-auth': secret } = head.headers;
  const needsToken = settings.tokens.length > 0;
  const isOptions = head.method === 'OPTIONS';
  if (isOptions && (!settings.hasOwnOptions || (needsToken && authorization === undefined))) {
    return { answer: { status: 200, headers: corsHeaders(head.headers), body: undefined } };
  }
  const sent = Array.isArray(secret) ? secret[0] : secret;
  if (!isOptions && !isAdmitted(settings.access, sent, user !== undefined)) {
    const text = 'Authentication is possible but has failed or not yet been provided.';
    return { answer: errorAnswer(401, text, head.transactionId) };
  }
  if (!needsToken) return {};
  try {
    const claims = await claimsOfCaller(guard, settings.tokens, authorization, head.action.namespace);
    return { claims };
  } catch (error) {
    return { answer: refusalOf(error, head.transactionId) };
  }
}

async function run(
  { functions, share }: WebActionsOptions,
  head: WebHead,
  action: WebAction & Pick<Admission, 'claims'>,
  body: Buffer | undefined,
): Promise<WebAnswer> {
  const { payer, user, claims, hasKey, settings, resolved } = action;
  const payload = webArguments({
    ...head,
    body,
    user: claims === undefined ? user?.namespace : String(claims['sub']),
    claims,
    hasKey,
    isRaw: settings.isRaw,
    finalKeys: resolved.finalKeys,
  });
  const isOwn = user?.namespace === payer.namespace;
  const held = isOwn ? undefined : share.hold(payer);
  let isRunning = false;
  try {
    const { activationId, record, isRecordLost } = await functions.invocations.invoke({
      identity: payer,
      action: head.action,
      payload,
      waitMs: functions.limits.blockingWaitMs,
      transactionId: head.transactionId,
      traceparent: traceparentOf(head.headers),
      // The key belongs to its namespace; the code of another one must not get it.
      authorization: isOwn ? head.headers.authorization : undefined,
    });
    isRunning = record === undefined;
    const id = { 'x-openwhisk-activation-id': activationId };
    const answer =
      record === undefined
        ? errorAnswer(202, 'Response not yet ready.', head.transactionId)
        : answerOf(head, shapeResult(head.extension, record.status, jsonOf(record.result)));
    // Unlike the id, the action can't override it.
    const lost = isRecordLost ? { [recordHeader]: 'lost' } : {};
    return withHeaders({ ...answer, headers: { ...answer.headers, ...lost } }, id);
  } finally {
    if (!isRunning) held?.release();
    // It can't take longer than this.
    else if (held !== undefined) setTimeout(held.release, resolved.limits.timeoutMs).unref();
  }
}

function answerOf({ headers, transactionId }: WebHead, shaped: Shaped): WebAnswer {
  if ('error' in shaped) return errorAnswer(shaped.status, shaped.error, transactionId);
  const { status, contentType, body } = shaped;
  if (contentType === undefined) return { status, headers: shaped.headers, body: undefined };
  if (accepts(headers.accept, contentType)) {
    return { status, headers: { ...shaped.headers, 'content-type': contentType }, body };
  }
  const text = `Resource representation is only available with these types:\n${contentType}`;
  return errorAnswer(406, text, transactionId);
}

const usualHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent';

/** Tells browsers that any page may call a web action, with any headers. */
function corsHeaders(request: IncomingHttpHeaders): AnswerHeaders {
  return {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH',
    'access-control-allow-headers': request['access-control-request-headers'] ?? usualHeaders,
  };
}
