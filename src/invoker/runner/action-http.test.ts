import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { invokerFault } from '../faults.ts';
import { type ActionHttp, createActionHttp } from './action-http.ts';

/** A program that answers every request as the test says. */
describe('HTTP with a program that', () => {
  let dir: string;
  let answer: (peer: Socket) => void;
  let connections: number;
  let http: ActionHttp;
  let close: () => void;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'ward-http-'));
    const path = join(dir, 'port');
    connections = 0;
    const server = createServer((peer) => {
      connections++;
      peer.on('error', () => {});
      peer.on('data', () => answer(peer));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    http = createActionHttp(async () => createConnection({ path }));
    close = () => server.close();
  });
  afterEach(() => {
    http.rest();
    close();
    rmSync(dir, { recursive: true });
  });

  const says = (text: string, end = true) => {
    answer = (peer) => {
      peer.write(text);
      if (end) peer.end();
    };
    return http.post('/run', '{}');
  };
  const ok = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

  it('answers is read, on one connection while it stays open', async () => {
    for (let n = 1; n <= 3; n++) {
      expect(await says(ok('{"n":1}'), false)).toEqual({
        status: 200,
        text: '{"n":1}',
        lengthBytes: 7,
        isCut: false,
      });
    }
    expect(connections).toBe(1);
    http.rest();
    await says(ok('{}'), false);
    expect(connections).toBe(2);
  });

  it('ends the connection like HTTP/1.0 is read', async () => {
    expect(await says('HTTP/1.0 502 Oops\r\n\r\nno')).toMatchObject({ status: 502, text: 'no' });
  });

  it('ends the connection after a large body is read to the end', async () => {
    const body = 'x'.repeat(3_000_000);
    expect(await says(`HTTP/1.0 200 OK\r\n\r\n${body}`)).toMatchObject({
      lengthBytes: body.length,
      isCut: false,
    });
  });

  it.each([
    ['nothing', ''],
    ['no HTTP', 'hello\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['a huge head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n{}`],
    ['thousands of heads', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}\r\n{}`],
    ['a body that ends early', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
    ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}'],
    [
      'a chunk that is too long',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}',
    ],
    [
      'huge extensions of a chunk',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${'x'.repeat(100_000)}\r\n`,
    ],
    [
      'huge trailers',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    ],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
  ])('sends %s has given no reply', async (_what, text) => {
    expect(await says(text)).toBeUndefined();
  });

  it('answers with more than the limit is cut off, with the length that it announced', async () => {
    const length = 50_000_000;
    answer = (peer) => {
      peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
      const pour = () => peer.write(Buffer.alloc(65_536, 'x')) && setImmediate(pour);
      peer.on('drain', pour);
      pour();
    };
    const reply = await http.post('/run', '{}');
    expect(reply).toMatchObject({ status: 200, lengthBytes: length, isCut: true });
    expect(reply?.text.length).toBe(4096);
  });

  it('answers with endless chunks is cut off', async () => {
    answer = (peer) => {
      peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const pour = () => peer.write(`10000\r\n${'x'.repeat(65_536)}\r\n`) && setImmediate(pour);
      peer.on('drain', pour);
      pour();
    };
    const reply = await http.post('/run', '{}');
    expect(reply).toMatchObject({ isCut: true });
    expect(reply?.lengthBytes).toBeLessThan(10_000_000);
  });

  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

  it('answers in many small chunks is read, and charged to its namespace', async () => {
    const [turns, held] = [vi.fn(), vi.fn()];
    const counted = createActionHttp(async () => createConnection({ path: join(dir, 'port') }), {
      intake: () => ({ takeTurn: turns, hold: held }),
    });
    answer = (peer) => peer.end(`${chunked}${'1\r\nx\r\n'.repeat(2000)}0\r\n\r\n`);
    expect(await counted.post('/run', '{}')).toMatchObject({ text: 'x'.repeat(2000), isCut: false });
    expect(turns).toHaveBeenCalled();
    expect(held).toHaveBeenCalledOnce();
    counted.rest();
  });

  it('answers in far too many pieces has given no reply', async () => {
    answer = (peer) => {
      peer.write(chunked);
      const pour = () => {
        while (peer.writable && peer.write('1\r\nx\r\n'.repeat(10_000)));
      };
      peer.on('drain', pour);
      pour();
    };
    expect(await http.post('/run', '{}')).toBeUndefined();
  });

  it('may send a few interim replies, but not endless ones', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
    expect(await says(`${interim.repeat(5)}${ok('{}')}`)).toMatchObject({ text: '{}' });
    expect(await says(`${interim.repeat(100)}${ok('{}')}`)).toBeUndefined();
  });

  it('cannot be reached is reported as unreachable', async () => {
    const fault = invokerFault('IMAGE_UNUSABLE', 'no way');
    const unreachable = createActionHttp(() => Promise.reject(fault));
    await expect(unreachable.post('/run', '{}')).rejects.toBe(fault);
    const broken = createActionHttp(() => Promise.reject(new Error('broken')));
    expect(await broken.post('/run', '{}')).toBeUndefined();
  });
});
