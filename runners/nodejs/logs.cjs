/**
 * The log streams, stdout and stderr. What user code writes is in the pipe before its call returns. Node's own streams
 * queue in memory once a pipe is full: a sentinel could overtake the log that it ends, and the last lines before a
 * crash would be lost.
 *
 * If calls run concurrently, a mark before each line names its call. Output that bypasses the streams has no mark.
 */
'use strict';
const fs = require('node:fs');
const { Writable } = require('node:stream');

const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const lineMark = 'XXX_A_LINE_OF_A_WHISK_ACTIVATION_XXX';
const newline = 10;
const retryMs = 1;

const { wait } = Atomics;
const { apply } = Reflect;
const { byteLength, allocUnsafeSlow: allocate } = Buffer;
const { copy, subarray, utf8Write } = Buffer.prototype;
const { defineProperty, getOwnPropertySymbols } = Object;
const { writeSync } = fs;
const proc = process;

const neverWoken = new Int32Array(new SharedArrayBuffer(4));

/** By fd: whether the stream is in the middle of a line. */
const isMidLine = [false, false, false];
/** By fd: the call that wrote the unfinished line. */
const writers = [];
/** Whether anything was written since the last sentinel. */
let isTouched = false;
/** Returns the call that is writing; undefined if calls run one at a time. */
let callNow;
/** Number of writes that belong to no call. If calls run concurrently, each can be from any of them. */
let unowned = 0;

/**
 * Makes `process.stdout` and `process.stderr` synchronous, each when it is first used, as in Node. Also notes writes to
 * their descriptors through `fs`, as fast loggers make them.
 */
function takeOverStreams() {
  replaceStream('stdout', 1);
  replaceStream('stderr', 2);
  for (const name of ['write', 'writeSync', 'writev', 'writevSync']) takeNoteOf(name);
}

/** From now on calls run concurrently. @param {() => object | undefined} tellCall returns the call that is writing */
function tellApart(tellCall) {
  callNow = tellCall;
}

/** The log state of a call that runs concurrently with others. */
function openLog(id) {
  return { id, isTouched: false, hasEnded: false, unownedBefore: unowned };
}

function takeNoteOf(name) {
  const original = fs[name];
  const noting = function (fd, ...rest) {
    if (fd === 1 || fd === 2) touch(undefined);
    return apply(original, this, [fd, ...rest]);
  };
  defineProperty(noting, 'name', { value: name });
  for (const key of getOwnPropertySymbols(original)) noting[key] = original[key];
  fs[name] = noting;
}

/**
 * Writes a text of the runner's own to stderr, on its own lines.
 * @param {object} [call] the call that it belongs to, if calls run concurrently
 */
function logError(text, call) {
  writeLog(2, bytesOf(`${isMidLine[2] && writers[2] === call ? '\n' : ''}${text}\n`), call);
}

function writeLog(fd, bytes, call) {
  touch(call);
  if (bytes.length === 0) return;
  writeAll(fd, callNow === undefined ? bytes : marked(fd, bytes, call));
  isMidLine[fd] = bytes[bytes.length - 1] !== newline;
  writers[fd] = call;
}

function touch(call) {
  isTouched = true;
  if (call === undefined) unowned++;
  else call.isTouched = true;
}

/** The bytes with the call's mark before each line. First ends another call's unfinished line. */
function marked(fd, bytes, call) {
  const mark = bytesOf(call === undefined ? '' : `${lineMark} ${call.id} `);
  let isMid = isMidLine[fd];
  let lines = 1;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === newline) lines++;
  const out = allocate(1 + bytes.length + lines * mark.length);
  let size = 0;
  if (isMid && writers[fd] !== call) {
    out[size++] = newline;
    isMid = false;
  }
  for (let at = 0; at < bytes.length; at++) {
    if (!isMid) size += apply(copy, mark, [out, size]);
    out[size++] = bytes[at];
    isMid = bytes[at] !== newline;
  }
  return apply(subarray, out, [0, size]);
}

/**
 * Marks the end of an activation on both streams, on a line of its own. An activation that wrote nothing needs no mark:
 * two writes here and two reads on the host are most of what a short call costs.
 * @param {string} id its id, or `init`
 * @param {object} [call] the call, if calls run concurrently
 * @returns {boolean} whether it wrote nothing
 */
function endLogs(id, call) {
  const isQuiet = call === undefined ? !isTouched : !call.isTouched && call.unownedBefore === unowned;
  if (call !== undefined) call.hasEnded = true;
  if (isQuiet) return true;
  isTouched = false;
  endLog(1, id);
  endLog(2, id);
  return false;
}

function endLog(fd, id) {
  writeAll(fd, bytesOf(`${isMidLine[fd] ? '\n' : ''}${sentinel} ${id}\n`));
  isMidLine[fd] = false;
}

function replaceStream(name, fd) {
  const define = (get) => defineProperty(proc, name, { configurable: true, enumerable: true, get });
  define(() => {
    const stream = logStream(fd);
    define(() => stream);
    return stream;
  });
}

/** Looks to user code like one of Node's own: it has an fd, and ending or destroying it closes nothing. */
function logStream(fd) {
  const stream = new Writable({
    emitClose: false,
    write(bytes, _encoding, done) {
      writeLog(fd, bytes, writer());
      done();
    },
    destroy(error, done) {
      done(error);
      stream._undestroy();
    },
  });
  stream.fd = fd;
  stream._type = 'pipe';
  stream._isStdio = true;
  return stream;
}

/** The call that is writing. Writes after a call's answer belong to no call. */
function writer() {
  const call = callNow?.();
  return call?.hasEnded ? undefined : call;
}

function bytesOf(text) {
  const bytes = allocate(byteLength(text));
  apply(utf8Write, bytes, [text, 0, bytes.length]);
  return bytes;
}

/** Waits while the pipe is full. Ignores a closed pipe, so that no call fails. */
function writeAll(fd, bytes) {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at, null);
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
      wait(neverWoken, 0, 0, retryMs);
    }
  }
}

module.exports = { takeOverStreams, tellApart, openLog, logError, endLogs };
