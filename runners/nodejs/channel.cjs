/**
 * The channel to the host, on fd 3. A frame is a 4-byte big-endian length and that many bytes of UTF-8 JSON.
 *
 * It captures every built-in that it needs when it loads, so that user code which replaces a global or a method of a
 * prototype breaks only itself. Frames leave in the order of the calls, in one write each; a host that reads slowly
 * never blocks the event loop.
 */
'use strict';
const { writeSync } = require('node:fs');
const { Socket } = require('node:net');

const channelFd = 3;
const headerBytes = 4;
const bufferBytes = 64 * 1024;
/** UTF-8 needs at most this many bytes for one UTF-16 code unit. */
const maxBytesPerUnit = 3;

const { parse } = JSON;
const { apply } = Reflect;
const { min } = Math;
const { byteLength, from: copyOf, allocUnsafeSlow: allocate } = Buffer;
const { utf8Slice, utf8Write, copy, subarray } = Buffer.prototype;

/**
 * Opens the channel.
 * @param {(message: object) => void} onMessage called once for each frame, in order
 * @param {() => void} onClose called when the host has closed its end
 * @returns {(json: string) => void} sends a frame
 */
function openChannel(onMessage, onClose) {
  const receive = receiver(onMessage);
  const socket = new Socket({
    fd: channelFd,
    readable: true,
    writable: true,
    onread: {
      buffer: allocate(bufferBytes),
      callback: (length, bytes) => {
        receive(bytes, length);
        return true;
      },
    },
  });
  socket.on('error', onClose);
  socket.on('close', onClose);
  socket.resume();
  return sender(socket);
}

/** Cuts what arrives into frames. The next call overwrites its `bytes`. */
function receiver(onMessage) {
  const header = allocate(headerBytes);
  let headerFill = 0;
  let body;
  let bodyFill = 0;

  return (bytes, length) => {
    let at = 0;
    while (at < length) {
      if (body === undefined) {
        header[headerFill++] = bytes[at++];
        if (headerFill < headerBytes) continue;
        headerFill = 0;
        const size = sizeIn(header);
        if (size <= length - at) {
          const end = at + size;
          onMessage(parse(apply(utf8Slice, bytes, [at, end])));
          at = end;
          continue;
        }
        body = allocate(size);
        bodyFill = 0;
      }
      const taken = min(body.length - bodyFill, length - at);
      apply(copy, bytes, [body, bodyFill, at, at + taken]);
      bodyFill += taken;
      at += taken;
      if (bodyFill < body.length) continue;
      const text = apply(utf8Slice, body, [0, bodyFill]);
      body = undefined;
      onMessage(parse(text));
    }
  };
}

function sizeIn(header) {
  return header[0] * 0x1000000 + ((header[1] << 16) | (header[2] << 8) | header[3]);
}

function sender(socket) {
  const outbox = allocate(bufferBytes);

  const encode = (json) => {
    const fits = json.length * maxBytesPerUnit + headerBytes <= bufferBytes;
    const frame = fits ? outbox : allocate(byteLength(json) + headerBytes);
    const size = apply(utf8Write, frame, [json, headerBytes, frame.length - headerBytes]);
    frame[0] = size >>> 24;
    frame[1] = size >>> 16;
    frame[2] = size >>> 8;
    frame[3] = size;
    return apply(subarray, frame, [0, size + headerBytes]);
  };

  return (json) => {
    const frame = encode(json);
    const written = socket.writableLength > 0 ? 0 : writeNow(frame);
    if (written < frame.length) socket.write(copyOf(apply(subarray, frame, [written])));
  };
}

/** @returns {number} how many bytes the kernel took without waiting */
function writeNow(frame) {
  try {
    return writeSync(channelFd, frame, 0, frame.length, null);
  } catch (error) {
    if (error.code === 'EAGAIN') return 0;
    throw error;
  }
}

module.exports = { openChannel };
