/**
 * The program inside a Node.js sandbox: loads one action's code and runs its activations, as OpenWhisk's
 * nodejs runtime does. It shares its process with the code it runs, so the host trusts nothing that comes from
 * here; what it defends itself against is accident, not attack.
 *
 *   ready ▶ init ▶ init-ok | init-error, then run ▶ result
 *
 * Runs are done one after the other, unless the action allows concurrency. The host may send the next ones early;
 * they are good only if they need not wait: when it is longer than `patienceMs` since a run was sent, or since the
 * answer before it if it was sent early, its answer says `late`,
 * and whatever was sent before the host can have seen that answer is void, because the host has other plans for it.
 * That an early run is begun is said before it is: with the answer before (`next`), or by itself (`begun`).
 *
 * Both log streams get a sentinel before each answer, or the answer says that nothing was logged. Code folder: the first argument, or /fn. It is CommonJS,
 * because Node starts 3 ms faster with that.
 */
'use strict';
const { openChannel } = require('./channel.cjs');
const { endLogs, logError, openLog, takeOverStreams, tellApart } = require('./logs.cjs');

const { stringify } = JSON;
const { keys } = Object;
const { apply } = Reflect;
const toText = String;
const proc = process;
const exit = proc.exit.bind(proc);

const clock = performance;
const { now } = clock;
const wallClock = Date;
const { now: wallNow } = wallClock;

const codeFolder = proc.argv[2] ?? '/fn';
const patienceMs = 20;
/** Keyed by the ids of the activations that have no answer yet: the call, or undefined where one at a time runs. */
const running = { __proto__: null };
let isLoading = false;
/** Where calls run at once. */
let calls;
let main;

/** Runs that came early: a list linked by `next`, because arrays' methods are user code's to change. */
let firstEarly;
let lastEarly;
/** When the host's clock for the run that is under way began, at the latest; undefined between runs. */
let begunAt;
/** Just before the last answer was sent. */
let answeredAt;
let answers = 0;
/** Runs sent when the host had seen fewer answers are void. */
let validFrom = 0;

async function init(request) {
  isLoading = true;
  try {
    setEnvironment(request.env, proc.env);
    if (proc.env.__OW_ALLOW_CONCURRENT === 'true') runAtOnce();
    main = await loadMain(codeFolder, request);
  } catch (error) {
    refuseInit(error);
    return;
  }
  isLoading = false;
  const concurrent = calls === undefined ? '' : ',"concurrent":true';
  send(`{"type":"init-ok"${endOfLogs('init')}${concurrent}}`);
}

function runAtOnce() {
  calls = require('./calls.cjs');
  calls.separateEnvironments();
  tellApart(calls.callNow);
}

function refuseInit(error) {
  isLoading = false;
  logError(`Error during initialization: ${describe(error)}`);
  send(`{"type":"init-error"${endOfLogs('init')},"error":${stringify(stackOf(error))}}`);
}

function accept(request) {
  if (calls !== undefined) void run(request, openCall(request));
  else if (request.after < validFrom) return;
  else if (begunAt === undefined) {
    if (request.early) send(`{"type":"begun","id":${stringify(request.id)}}`);
    begin(request);
  } else {
    const early = { __proto__: null, request, next: undefined };
    if (firstEarly === undefined) firstEarly = lastEarly = early;
    else lastEarly = lastEarly.next = early;
  }
}

function openCall({ id, env }) {
  const call = openLog(id);
  call.env = { __proto__: null };
  setEnvironment(env, call.env);
  return call;
}

function begin(request) {
  begunAt = apply(now, clock, []);
  const waitedMs = request.early ? begunAt - answeredAt : apply(wallNow, wallClock, []) - request.sent;
  if (waitedMs > 0) begunAt -= waitedMs;
  void run(request);
}

/** @returns {string} the answer's word on what was sent early: that it is void, or what is begun next */
function endOfRun() {
  answers++;
  answeredAt = apply(now, clock, []);
  const isLate = begunAt !== undefined && answeredAt - begunAt > patienceMs;
  if (!isLate) return firstEarly === undefined ? '' : `,"next":${stringify(firstEarly.request.id)}`;
  validFrom = answers;
  firstEarly = undefined;
  return ',"late":true';
}

function beginNext() {
  begunAt = undefined;
  if (firstEarly === undefined) return;
  const { request, next } = firstEarly;
  firstEarly = next;
  begin(request);
}

async function run({ id, value, env }, call) {
  running[id] = call;
  let pending;
  try {
    pending = call === undefined ? runAlone(value, env) : calls.runAs(call, main, value);
  } catch (error) {
    logError(describe(error), call);
    refuse(id, `An error has occurred: ${textOf(error)}`);
    return;
  }
  let result;
  try {
    result = await pending;
  } catch (reason) {
    if (reason instanceof Error) logError(describe(reason), call);
    result = { error: serializeRejection(reason) };
  }
  answer(id, result === undefined ? {} : result);
}

function runAlone(value, env) {
  setEnvironment(env, proc.env);
  return apply(main, undefined, [value]);
}

function answer(id, result) {
  let json;
  try {
    json = stringify(result);
  } catch (error) {
    logError(describe(error), running[id]);
    refuse(id, `The action returned a value that can't be turned into JSON: ${textOf(error)}`);
    return;
  }
  if (json === undefined || (json[0] !== '{' && json[0] !== '[')) {
    logError(
      `Result must be of type object but has type "${typeof result}": ${describe(result)}`,
      running[id],
    );
    refuse(id, 'The action did not return a dictionary.');
    return;
  }
  const lost = json === '{}' ? lostIn(result) : undefined;
  if (lost !== undefined) {
    refuse(id, `The action returned a value that can't be turned into JSON: ${lost}.`);
    return;
  }
  const ended = endOfLogs(id, running[id]);
  delete running[id];
  send(`{"type":"result"${ended}${endOfRun()},"id":${stringify(id)},"ok":true,"value":${json}}`);
  beginNext();
}

function refuse(id, error) {
  const ended = endOfLogs(id, running[id]);
  delete running[id];
  // The host discards a sandbox after such an answer: what was sent early is void whatever the time.
  validFrom = ++answers;
  firstEarly = begunAt = undefined;
  send(`{"type":"result"${ended},"late":true,"id":${stringify(id)},"ok":false,"error":${stringify(error)}}`);
}

/** Ends the logs before the answer, and is the answer's word on whether there is a sentinel to look for. */
function endOfLogs(id, call) {
  return endLogs(id, call) ? ',"quiet":true' : '';
}

/** Strings as they are; the rest as OpenWhisk does: falsy values empty, objects as JSON. */
function setEnvironment(env, into) {
  const names = keys(env);
  for (let at = 0; at < names.length; at++) {
    const value = env[names[at]];
    if (typeof value === 'string') into[names[at]] = value;
    else if (typeof value === 'object' && value !== null) into[names[at]] = stringify(value);
    else into[names[at]] = value ? toText(value) : '';
  }
}

/**
 * An uncaught exception or unhandled rejection ends the process, as in Node, after telling the reason to the waiting
 * callers. User code with a handler of its own decides for itself.
 */
function onUncaught(error) {
  if (proc.listenerCount('uncaughtException') > 1) return;
  if (isLoading) refuseInit(error);
  else logError(describe(error));
  const ids = keys(running);
  for (let at = 0; at < ids.length; at++) refuse(ids[at], `An error has occurred: ${textOf(error)}`);
  exit(1);
}

function onMessage(message) {
  if (message.type === 'run') accept(message);
  else void init(message);
}

takeOverStreams();
proc.on('uncaughtException', onUncaught);
const send = openChannel(onMessage, () => exit(0));
send('{"type":"ready"}');

// Loaded while the host acts on the `ready`; frames are not read before the end of this file.
const { loadMain } = require('./code.cjs');
const { describe, lostIn, serializeRejection, stackOf, textOf } = require('./errors.cjs');
