/**
 * The log streams, stdout and stderr. What user code writes is in the pipe before its call returns: Node's own
 * streams queue in memory once a pipe is full, so that a sentinel could overtake the log that it ends, and the
 * last lines before a crash would be lost.
 */
'use strict';
const fs = require('node:fs');
const { Writable } = require('node:stream');

const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const newline = 10;
const retryMs = 1;

const { wait } = Atomics;
const { apply } = Reflect;
const { byteLength, allocUnsafeSlow: allocate } = Buffer;
const { utf8Write } = Buffer.prototype;
const { defineProperty, getOwnPropertySymbols } = Object;
const { writeSync } = fs;
const proc = process;

const neverWoken = new Int32Array(new SharedArrayBuffer(4));

/** By fd: whether the stream stands in the middle of a line. */
const isMidLine = [false, false, false];
/** Whether anything was written since the last sentinel. */
let isTouched = false;

/**
 * Makes `process.stdout` and `process.stderr` synchronous, each when it is first used, as in Node; and takes note of
 * what is written to their descriptors by way of `fs`, as fast loggers do.
 */
function takeOverStreams() {
  replaceStream('stdout', 1);
  replaceStream('stderr', 2);
  for (const name of ['write', 'writeSync', 'writev', 'writevSync']) takeNoteOf(name);
}

function takeNoteOf(name) {
  const original = fs[name];
  const noting = function (fd, ...rest) {
    if (fd === 1 || fd === 2) isTouched = true;
    return apply(original, this, [fd, ...rest]);
  };
  defineProperty(noting, 'name', { value: name });
  for (const key of getOwnPropertySymbols(original)) noting[key] = original[key];
  fs[name] = noting;
}

/** Writes a text of the runner's own to stderr, on lines of its own. */
function logError(text) {
  isTouched = true;
  writeAll(2, bytesOf(`${isMidLine[2] ? '\n' : ''}${text}\n`));
  isMidLine[2] = false;
}

/**
 * Marks the end of an activation on both streams, each time on a line of its own. An activation that wrote nothing
 * needs no mark: two writes here and two reads on the host are most of what a short call costs.
 * @param {string} id its id, or `init`
 * @returns {boolean} whether it was such a quiet one
 */
function endLogs(id) {
  if (!isTouched) return true;
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

/** As far as user code can tell, one of Node's own: it has an fd, and ending or destroying it closes nothing. */
function logStream(fd) {
  const stream = new Writable({
    emitClose: false,
    write(bytes, _encoding, done) {
      isTouched = true;
      writeAll(fd, bytes);
      if (bytes.length > 0) isMidLine[fd] = bytes[bytes.length - 1] !== newline;
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

function bytesOf(text) {
  const bytes = allocate(byteLength(text));
  apply(utf8Write, bytes, [text, 0, bytes.length]);
  return bytes;
}

/** A full pipe is waited for; a closed one takes nothing, and fails nobody. */
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

module.exports = { takeOverStreams, logError, endLogs };
