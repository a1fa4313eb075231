/**
 * What becomes of the things that user code throws: texts for the log and for the caller, and the JSON form of
 * a rejection. A thrown value may be anything, with getters and methods that throw again; nothing here does.
 */
'use strict';
const { inspect } = require('node:util');

const { isArray } = Array;
const { keys } = Object;
const toText = String;
/** Below this, objects are only named. */
const maxDepth = 16;

/** For the log: with its stack, its own fields and its causes. */
function describe(thrown) {
  try {
    return typeof thrown === 'string' ? thrown : inspect(thrown);
  } catch {
    return textOf(thrown);
  }
}

/** For the caller: such as `TypeError: x is not a function`. */
function textOf(thrown) {
  try {
    return toText(thrown);
  } catch {
    return 'a value that has no text';
  }
}

/** For the caller of a failed initialisation: the stack, which says where in the code. */
function stackOf(thrown) {
  try {
    return toText(thrown?.stack || thrown);
  } catch {
    return textOf(thrown);
  }
}

/**
 * The value of `error` in the result of a rejected promise: an Error gives its name, message, stack and own
 * fields, anything else itself; a rejection without a reason gives `{}`.
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

/** The fields that are there without being enumerable. */
function addErrorFields(fields, error, path, depth) {
  for (const key of ['name', 'message', 'stack', 'code']) {
    if (typeof error[key] === 'string') fields[key] = error[key];
  }
  if (error.cause !== undefined) fields.cause = serialize(error.cause, path, depth - 1);
  return fields;
}

module.exports = { describe, textOf, stackOf, serializeRejection };
