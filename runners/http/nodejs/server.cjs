/**
 * The server in an image that was made from a Node.js function. It speaks OpenWhisk's HTTP contract on port 8080, with
 * the code that is in the image. It loads code and reports errors as Ward's own runner does.
 *
 *   POST /init once ▶ POST /run, again and again
 *
 * Both log streams get OpenWhisk's bare sentinel before each answer to a run and to a failed init. Arguments: the code
 * folder (default /fn) and the port.
 */
'use strict';
const { createServer } = require('node:http');
const { loadMain } = require('../../nodejs/code.cjs');
const { describe, lostIn, serializeRejection, stackOf, textOf } = require('../../nodejs/errors.cjs');
const { logError, takeOverStreams } = require('../../nodejs/logs.cjs');

const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const codeFolder = process.argv[2] ?? '/fn';
const port = Number(process.argv[3] ?? 8080);
/** Larger than parameters can be. */
const maxBodyBytes = 64 * 1024 * 1024;

// User code may replace these.
const { parse, stringify } = JSON;
const { concat } = Buffer;
const { apply } = Reflect;
const exit = process.exit.bind(process);

takeOverStreams();
const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));

let main;
let isBegun = false;
/** Requests without a reply yet. */
const owed = new Set();

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function init({ value }) {
  if (isBegun) throw new Refusal(403, 'Cannot initialize the action more than once.');
  isBegun = true;
  if (value?.code) throw new Refusal(502, 'This image has its code in it: create the action without code.');
  setEnvironment(value?.env ?? {}, '');
  try {
    main = await loadMain(codeFolder, { main: value?.main || 'main', binary: true });
  } catch (error) {
    logError(`Error during initialization: ${describe(error)}`);
    throw new Refusal(502, `Initialization has failed due to: ${stackOf(error)}`);
  }
  return '{"ok":true}';
}

async function run({ value, ...fields }) {
  if (main === undefined) throw new Refusal(403, 'Cannot invoke an uninitialized action.');
  setEnvironment(fields, '__OW_');
  let pending;
  try {
    pending = apply(main, undefined, [value ?? {}]);
  } catch (error) {
    logError(describe(error));
    throw new Refusal(502, `An error has occurred: ${textOf(error)}`);
  }
  let result;
  try {
    result = await pending;
  } catch (reason) {
    if (reason instanceof Error) logError(describe(reason));
    result = { error: serializeRejection(reason) };
  }
  return jsonOf(result === undefined ? {} : result);
}

function jsonOf(result) {
  let json;
  try {
    json = stringify(result);
  } catch (error) {
    logError(describe(error));
    throw new Refusal(502, `The action returned a value that can't be turned into JSON: ${textOf(error)}`);
  }
  const lost = json === '{}' ? lostIn(result) : undefined;
  if (lost !== undefined)
    throw new Refusal(502, `The action returned a value that can't be turned into JSON: ${lost}.`);
  if (json !== undefined && (json[0] === '{' || json[0] === '[')) return json;
  logError(`Result must be of type object but has type "${typeof result}": ${describe(result)}`);
  throw new Refusal(502, 'The action did not return a dictionary.');
}

/** Sets values as OpenWhisk does: strings as they are, falsy values as empty, objects as JSON. */
function setEnvironment(fields, prefix) {
  for (const [name, value] of Object.entries(fields)) {
    const key = prefix === '' ? name : `${prefix}${name.toUpperCase()}`;
    process.env[key] = typeof value === 'string' ? value : value ? stringify(value) : '';
  }
}

function endLogs() {
  for (const { stream, write } of streams) apply(write, stream, [`${sentinel}\n`]);
}

function readBody(request, done) {
  const chunks = [];
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
  });
  request.on('end', () =>
    done(size <= maxBodyBytes ? apply(concat, Buffer, [chunks]).toString() : undefined),
  );
}

async function answer(request, reply, text) {
  const isRun = request.url === '/run';
  owed.add(reply);
  try {
    send(reply, 200, await (isRun ? run : init)(bodyOf(text)), isRun);
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 500;
    send(reply, status, stringify({ error: textOf(error instanceof Refusal ? error.message : error) }), true);
  }
}

function bodyOf(text) {
  if (text === undefined) throw new Refusal(413, 'The request is too large.');
  try {
    const body = parse(text);
    if (typeof body === 'object' && body !== null) return body;
  } catch {}
  throw new Refusal(400, 'The request is not a JSON object.');
}

function send(reply, status, json, endsLogs) {
  if (!owed.delete(reply)) return;
  if (endsLogs) endLogs();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
  reply.writeHead(status, headers).end(json);
}

/** Ends the process, as Node does, after it has sent the reason to the waiting client. */
function onUncaught(error) {
  if (process.listenerCount('uncaughtException') > 1) return;
  logError(describe(error));
  const replies = [...owed];
  if (replies.length === 0) exit(1);
  const json = stringify({ error: `An error has occurred: ${textOf(error)}` });
  for (const reply of replies) {
    reply.on('close', () => exit(1));
    send(reply, 502, json, true);
  }
}

process.on('uncaughtException', onUncaught);
process.on('SIGTERM', () => exit(0));
createServer((request, reply) => {
  if (request.method !== 'POST' || (request.url !== '/init' && request.url !== '/run')) {
    request.resume();
    reply.writeHead(404).end();
    return;
  }
  readBody(request, (text) => void answer(request, reply, text));
}).listen(port);
