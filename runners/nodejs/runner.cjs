/**
 * The program inside a Node.js sandbox. It loads one action's code and runs its activations, as OpenWhisk's nodejs
 * runtime does. It shares its process with user code, so the host trusts nothing that comes from here: the runner
 * guards against accidents, not attacks.
 *
 *   ready ▶ init ▶ init-ok | init-error, then run ▶ result
 *
 * It does runs one after the other, unless the action allows concurrency. The host may send the next runs early, as
 * long as they need not wait. An answer says `late` when more than `patienceMs` passed since its run was sent, or since
 * the answer before it if the run was sent early. Runs that were sent before the host can have seen a late answer are
 * void: the host runs them elsewhere. The runner announces that it begins an early run before it does, with the answer
 * before (`next`) or by itself (`begun`).
 *
 * Both log streams get a sentinel before each answer, or the answer says that nothing was logged. Code folder: the
 * first argument (default /fn). This is CommonJS because Node starts 3 ms faster with it.
 */
'use strict';
const { openChannel } = require('./channel.cjs');
const { setEnvironment, setForRun, watchEnvironment } = require('./environment.cjs');
const { endLogs, logError, openLog, takeOverStreams, tellApart } = require('./logs.cjs');

const { stringify } = JSON;
const { keys } = Object;
const { apply } = Reflect;
const proc = process;
const exit = proc.exit.bind(proc);

const clock = performance;
const { now } = clock;
const wallClock = Date;
const { now: wallNow } = wallClock;

const codeFolder = proc.argv[2] ?? '/fn';
const patienceMs = 20;
/** Ids of the activations without an answer yet, with their calls; undefined if they run one at a time. */
const running = { __proto__: null };
let isLoading = false;
/** The module for concurrent calls, if the action allows them. */
let calls;
let main;

/** Runs that came early: a list linked by `next`, because user code can change the methods of arrays. */
let firstEarly;
let lastEarly;
/** The latest time at which the host's clock for the current run can have started; undefined between runs. */
let begunAt;
/** Time just before the last answer was sent. */
let answeredAt;
let answers = 0;
/** Runs that were sent when the host had seen fewer answers are void. */
let validFrom = 0;

async function init(request) {
  isLoading = true;
  try {
    setEnvironment(request.env, proc.env);
    if (proc.env.__OW_ALLOW_CONCURRENT === 'true') runAtOnce();
    else watchEnvironment();
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

/** @returns {string} the field of the answer about early runs: that they are void, or which one begins next */
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
  setForRun(env);
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
  // The host discards the sandbox after such an answer, so the runs that were sent early are void.
  validFrom = ++answers;
  firstEarly = begunAt = undefined;
  send(`{"type":"result"${ended},"late":true,"id":${stringify(id)},"ok":false,"error":${stringify(error)}}`);
}

/** Ends the logs before the answer. Returns the field of the answer that says whether there is a sentinel. */
function endOfLogs(id, call) {
  return endLogs(id, call) ? ',"quiet":true' : '';
}

/**
 * Ends the process on an uncaught exception or unhandled rejection, as Node does, after it has sent the reason to the
 * waiting callers. Does nothing if user code has a handler of its own.
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

// This loads while the host acts on the `ready`; no frame is read before the end of this file.
const { loadMain } = require('./code.cjs');
const { describe, lostIn, serializeRejection, stackOf, textOf } = require('./errors.cjs');
