/**
 * Turns what user code throws into texts for the log and the caller, and a rejection into JSON. A thrown value can be
 * anything, with getters and methods that throw again; nothing here throws.
 */
'use strict';
const { readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { fileURLToPath } = require('node:url');
const { inspect } = require('node:util');

const { isArray } = Array;
const { getPrototypeOf, keys, prototype: plain } = Object;
const { toString: tagOf } = plain;
const { apply } = Reflect;
const toText = String;
/** Depth below which objects are only named. */
const maxDepth = 16;
/** Folders of the runner, and of the server in images of functions. */
const ownFolders = [`${__dirname}/`, join(__dirname, '../http/nodejs/')];

const framePattern = /^\s+at /u;
const nodesOwn = /\(?node:internal\/|\(<anonymous>\)$/u;
const placePattern = /(?:^|[\s(])((?:file:\/\/)?\/[^\s()]+):(\d+):(\d+)\)?(?: \{)?$/u;
/** Bundles are larger, and their lines tell little. */
const maxSourceBytes = 4 * 1024 * 1024;
const shownColumns = 120;

/** Text for the log: the line that threw, the stack, the error's own fields and its causes. */
function describe(thrown) {
  try {
    if (typeof thrown === 'string') return thrown;
    const text = inspect(thrown);
    return thrown instanceof Error ? `${excerptOf(text)}${withoutOwnFrames(text)}` : text;
  } catch {
    return textOf(thrown);
  }
}

/** Text for the caller, such as `TypeError: x is not a function`. */
function textOf(thrown) {
  try {
    return toText(thrown);
  } catch {
    return 'a value that has no text';
  }
}

/** Text for the caller of a failed initialisation: the stack, which shows the place in the code. */
function stackOf(thrown) {
  try {
    return withoutOwnFrames(toText(thrown?.stack || thrown));
  } catch {
    return textOf(thrown);
  }
}

/**
 * Keeps only the frames of user code. All frames below the runner's first one are callers of user code, and Node's own
 * frames tell nothing about it.
 */
function withoutOwnFrames(text) {
  const kept = [];
  let isBelow = false;
  for (const line of text.split('\n')) {
    const isFrame = framePattern.test(line);
    isBelow = isFrame && (isBelow || isOwn(line));
    if (!isBelow && !(isFrame && nodesOwn.test(line))) kept.push(line);
    // The brace that opens the error's fields follows its last frame.
    else if (line.endsWith(' {')) kept.push(`${kept.pop() ?? ''} {`);
  }
  return kept.join('\n');
}

function isOwn(frame) {
  const place = placePattern.exec(frame)?.[1];
  return ownFolders.some((folder) => place?.startsWith(folder));
}

/** The line that threw and a mark below the place, as Node shows them; empty if the stack already shows them. */
function excerptOf(stack) {
  if (/^\s*\^+\s*$/mu.test(stack)) return '';
  const frames = stack.split('\n').filter((line) => framePattern.test(line) && placePattern.test(line));
  const ours = frames.findIndex(isOwn);
  const users = ours < 0 ? frames : frames.slice(0, ours);
  const frame = users.find((line) => !line.includes('/node_modules/')) ?? users[0];
  if (frame === undefined) return '';
  const [, place, lineNumber, column] = placePattern.exec(frame);
  const line = lineAt(place.startsWith('file:') ? fileURLToPath(place) : place, Number(lineNumber));
  if (line === undefined) return '';
  const from = Math.max(0, Number(column) - 1 - shownColumns / 2);
  const shown = line.slice(from, from + shownColumns);
  const before = line.slice(from, Number(column) - 1).replace(/[^\t]/gu, ' ');
  return `${place}:${lineNumber}\n${shown}\n${before}^\n\n`;
}

function lineAt(file, number) {
  try {
    if (statSync(file).size > maxSourceBytes) return undefined;
    return readFileSync(file, 'utf8').split('\n')[number - 1];
  } catch {
    return undefined;
  }
}

/**
 * Why a value whose JSON is `{}` can't be a result: it has content, but not in fields. Undefined when the value is
 * really empty.
 */
function lostIn(result) {
  try {
    if (getPrototypeOf(result) === plain) return undefined;
    const type = apply(tagOf, result, []).slice('[object '.length, -1);
    const isIterable = Symbol.iterator in result || Symbol.asyncIterator in result;
    if (type === 'Object' && !isIterable) return undefined;
    return `JSON can't represent the content of an object of type ${type}. Return a plain object or an array`;
  } catch {
    return undefined;
  }
}

/**
 * The value of `error` in the result of a rejected promise: for an Error its name, message, stack and own fields, for a
 * rejection without a reason `{}`, else the reason itself.
 */
function serializeRejection(reason) {
  try {
    return reason ? serialize(reason, [], maxDepth) : {};
  } catch {
    return textOf(reason);
  }
}

function serialize(value, parents, depth) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return toText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (parents.includes(value)) return '[Circular]';
  if (depth === 0) return '[Object]';
  if (typeof value.toJSON === 'function') return value.toJSON();
  const path = [...parents, value];
  if (isArray(value)) return value.map((item) => serialize(item, path, depth - 1));
  const fields = {};
  for (const key of keys(value)) {
    if (typeof value[key] !== 'function') fields[key] = serialize(value[key], path, depth - 1);
  }
  return value instanceof Error ? addErrorFields(fields, value, path, depth) : fields;
}

/** The fields of an error that are not enumerable. */
function addErrorFields(fields, error, path, depth) {
  for (const key of ['name', 'message', 'stack', 'code']) {
    if (typeof error[key] === 'string') fields[key] = error[key];
  }
  if (fields.stack !== undefined) fields.stack = withoutOwnFrames(fields.stack);
  if (error.cause !== undefined) fields.cause = serialize(error.cause, path, depth - 1);
  return fields;
}

module.exports = { describe, lostIn, serializeRejection, stackOf, textOf };
