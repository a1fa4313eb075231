/**
 * The program inside a Node.js sandbox: loads one action's code and runs its activations, as OpenWhisk's
 * nodejs runtime does. It shares its process with the code it runs, so the host trusts nothing that comes from
 * here; what it defends itself against is accident, not attack.
 *
 *   ready ▶ init ▶ init-ok | init-error, then run ▶ result
 *
 * Runs are done one after the other, unless the action allows concurrency. The host may send the next ones early;
 * they are good only if they need not wait: when a run has taken longer than `patienceMs`, its answer says `late`,
 * and whatever was sent before the host can have seen that answer is void, because the host has other plans for it.
 *
 * Both log streams get a sentinel before each answer, or the answer says that nothing was logged. Code folder: the first argument, or /fn. It is CommonJS,
 * because Node starts 3 ms faster with that.
 */
'use strict';
const { openChannel } = require('./channel.cjs');
const { endLogs, logError, takeOverStreams } = require('./logs.cjs');

const { stringify } = JSON;
const { keys } = Object;
const { apply } = Reflect;
const toText = String;
const proc = process;
const exit = proc.exit.bind(proc);

const clock = performance;
const { now } = clock;

const codeFolder = proc.argv[2] ?? '/fn';
const patienceMs = 20;
/** Keyed by the ids of the activations that have no answer yet. */
const running = { __proto__: null };
let isLoading = false;
let isConcurrent = false;
let main;

/** Runs that came early: a list linked by `next`, because arrays' methods are user code's to change. */
let firstEarly;
let lastEarly;
/** When the run that is under way began; undefined between runs. */
let begunAt;
let answers = 0;
/** Runs sent when the host had seen fewer answers are void. */
let validFrom = 0;

async function init(request) {
  isLoading = true;
  try {
    setEnvironment(request.env);
    isConcurrent = proc.env.__OW_ALLOW_CONCURRENT === 'true';
    main = await loadMain(codeFolder, request);
  } catch (error) {
    refuseInit(error);
    return;
  }
  isLoading = false;
  send(`{"type":"init-ok"${endOfLogs('init')}}`);
}

function refuseInit(error) {
  isLoading = false;
  logError(`Error during initialization: ${describe(error)}`);
  send(`{"type":"init-error"${endOfLogs('init')},"error":${stringify(stackOf(error))}}`);
}

function accept(request) {
  if (isConcurrent) void run(request);
  else if (request.after < validFrom) return;
  else if (begunAt === undefined) begin(request);
  else {
    const early = { __proto__: null, request, next: undefined };
    if (firstEarly === undefined) firstEarly = lastEarly = early;
    else lastEarly = lastEarly.next = early;
  }
}

function begin(request) {
  begunAt = apply(now, clock, []);
  void run(request);
}

/** @returns {string} the answer's word on whether what was sent early is void */
function endOfRun() {
  answers++;
  if (begunAt === undefined || apply(now, clock, []) - begunAt <= patienceMs) return '';
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

async function run({ id, value, env }) {
  running[id] = true;
  let pending;
  try {
    setEnvironment(env);
    pending = apply(main, undefined, [value]);
  } catch (error) {
    logError(describe(error));
    refuse(id, `An error has occurred: ${textOf(error)}`);
    return;
  }
  let result;
  try {
    result = await pending;
  } catch (reason) {
    if (reason instanceof Error) logError(describe(reason));
    result = { error: serializeRejection(reason) };
  }
  answer(id, result === undefined ? {} : result);
}

function answer(id, result) {
  let json;
  try {
    json = stringify(result);
  } catch (error) {
    logError(describe(error));
    refuse(id, `The action returned a value that can't be turned into JSON: ${textOf(error)}`);
    return;
  }
  if (json === undefined || (json[0] !== '{' && json[0] !== '[')) {
    logError(`Result must be of type object but has type "${typeof result}": ${describe(result)}`);
    refuse(id, 'The action did not return a dictionary.');
    return;
  }
  const lost = json === '{}' ? lostIn(result) : undefined;
  if (lost !== undefined) {
    refuse(id, `The action returned a value that can't be turned into JSON: ${lost}.`);
    return;
  }
  delete running[id];
  send(`{"type":"result"${endOfLogs(id)}${endOfRun()},"id":${stringify(id)},"ok":true,"value":${json}}`);
  beginNext();
}

function refuse(id, error) {
  delete running[id];
  // The host discards a sandbox after such an answer: what was sent early is void whatever the time.
  validFrom = ++answers;
  firstEarly = begunAt = undefined;
  send(
    `{"type":"result"${endOfLogs(id)},"late":true,"id":${stringify(id)},"ok":false,"error":${stringify(error)}}`,
  );
}

/** Ends the logs before the answer, and is the answer's word on whether there is a sentinel to look for. */
function endOfLogs(id) {
  return endLogs(id) ? ',"quiet":true' : '';
}

/** Strings as they are; the rest as OpenWhisk does: falsy values empty, objects as JSON. */
function setEnvironment(env) {
  const names = keys(env);
  for (let at = 0; at < names.length; at++) {
    const value = env[names[at]];
    if (typeof value === 'string') proc.env[names[at]] = value;
    else if (typeof value === 'object' && value !== null) proc.env[names[at]] = stringify(value);
    else proc.env[names[at]] = value ? toText(value) : '';
  }
}

/**
 * An exception that nothing caught, or a rejection that nothing handled, ends the process as in Node; but first
 * whoever waits learns why. User code with a handler of its own decides for itself.
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
