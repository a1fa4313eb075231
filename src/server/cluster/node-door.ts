/**
 * What a node without a database asks API nodes for, over HTTP: runtime images, blobs, and the API for its sandboxes.
 * Each request shows by a signature which node sends it.
 */
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { type BlobPlace, proofHeader, sandboxProtocol, sandboxWay } from '../../api/index.ts';
import { type BlobSource, blobFault } from '../../blobs/index.ts';
import { clusterFault, type NodeIdentity, proofOf } from '../../cluster/index.ts';
import { invokerCutOff } from '../../dispatch/index.ts';
import { type Fault, isFault, type JsonValue, type Log, messageOf } from '../../lib/index.ts';
import type { ApiAddresses } from './api-addresses.ts';
import { clusterFaultIn } from './http-door.ts';

export interface NodeDoor extends Disposable {
  /** Reads a small JSON document. @throws Fault CLUSTER_UNREACHABLE, CLUSTER_ANSWER_INVALID, and why this node is refused */
  document(path: string): Promise<unknown>;
  /** The blobs of one kind, by their digests. */
  blobs(place: BlobPlace): BlobSource;
  /** Joins a connection of a sandbox with the API. Closes it when no API node takes it. */
  letIn(socket: Socket, namespace: string): void;
}

interface NodeDoorOptions {
  readonly addresses: ApiAddresses;
  readonly identity: () => NodeIdentity;
  readonly log: Log;
}

type Headers = Readonly<Record<string, string>>;

/** Without a byte in either direction. */
const idleMs = 30_000;
const times = { tries: 4 };
const mostDocumentBytes = 1024 * 1024;
const mostConnections = 32;

export function openNodeDoor({ addresses, identity, log }: NodeDoorOptions): NodeDoor {
  const ending = new AbortController();
  const agents = {
    agent: new Agent({ keepAlive: true, maxSockets: mostConnections }),
    tlsAgent: new TlsAgent({ keepAlive: true, maxSockets: mostConnections }),
  };
  const start = (url: string, path: string, headers: Headers, isShared: boolean): ClientRequest => {
    const isTls = url.startsWith('https:');
    const agent = isShared && (isTls ? agents.tlsAgent : agents.agent);
    return (isTls ? requestHttps : requestHttp)(`${url}${path}`, {
      ...{ agent, signal: ending.signal },
      headers: { ...headers, [proofHeader]: proofOf(identity(), `GET ${path}`) },
    });
  };
  const get = (path: string, headers: Headers = {}): Promise<IncomingMessage> =>
    addresses.use((url) => answerOf(start(url, path, headers, true), url));
  return {
    async document(path) {
      const answer = await get(path);
      if (answer.statusCode !== 200) throw await unexpected(answer, path);
      return jsonOf(answer, path);
    },
    blobs: (place) => ({
      place: addresses.text,
      ...{ signal: ending.signal, times },
      async get(digest, range) {
        const path = `/ward/v1/cluster/blobs/${place}/${digest}`;
        const headers: Headers = range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` };
        const answer = await get(path, headers).catch((error) => {
          throw isFault(error) ? invokerCutOff(error) : error;
        });
        const { statusCode, headers: told } = answer;
        if (statusCode === 200 || statusCode === 206)
          return { body: answer, length: Number(told['content-length']) };
        if (statusCode === 404) {
          answer.destroy();
          return undefined;
        }
        const fault = await unexpected(answer, path);
        throw (statusCode ?? 0) >= 500 ? awayFault(fault) : invokerCutOff(fault);
      },
    }),
    letIn(socket, namespace) {
      socket.on('error', () => socket.destroy());
      const path = sandboxWay(namespace);
      const headers = { connection: 'Upgrade', upgrade: sandboxProtocol };
      addresses
        .use((url) => upgraded(start(url, path, headers, false), url))
        .then((way) => join(socket, way))
        .catch((error) => {
          log.warn({ reason: messageOf(error) }, 'no API node takes a connection of a sandbox');
          socket.destroy();
        });
    },
    [Symbol.dispose]() {
      ending.abort();
      agents.agent.destroy();
      agents.tlsAgent.destroy();
    },
  };
}

/** @throws Fault CLUSTER_UNREACHABLE */
function answerOf(request: ClientRequest, url: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.setTimeout(idleMs, () => request.destroy(new Error(`no byte for ${idleMs / 1000} s`)));
  request.once('response', resolve);
  request.on('error', (error) => reject(unreachable(url, error)));
  request.end();
  return promise;
}

/** @throws Fault CLUSTER_UNREACHABLE, CLUSTER_ANSWER_INVALID */
function upgraded(request: ClientRequest, url: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  request.once('upgrade', (_answer, way: Socket, head: Buffer) => {
    request.setTimeout(0);
    if (head.length > 0) way.unshift(head);
    resolve(way);
  });
  answerOf(request, url)
    .then(async (answer) => reject(await unexpected(answer, 'a connection of a sandbox')))
    .catch(reject);
  return promise;
}

function join(socket: Socket, way: Socket): void {
  way.on('error', () => way.destroy());
  for (const [one, other] of [
    [socket, way],
    [way, socket],
  ] as const) {
    one.once('close', () => other.destroy());
    one.pipe(other);
  }
}

async function jsonOf(answer: IncomingMessage, path: string): Promise<JsonValue> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer) {
    bytes += piece.length;
    if (bytes > mostDocumentBytes) throw invalid(`${path} is longer than ${mostDocumentBytes} bytes`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    throw invalid(`${path} is not JSON`);
  }
}

/** The fault of the cluster that an answer has, or that it has none. */
async function unexpected(answer: IncomingMessage, what: string): Promise<Fault> {
  const { statusCode = 0, headers } = answer;
  const fault = headers['x-ward-fault'];
  const value = await jsonOf(answer, what).catch(() => undefined);
  const known = clusterFaultIn(statusCode, fault, value);
  if (known !== undefined) return known;
  return invalid(`${what}: status ${statusCode}${typeof fault === 'string' ? `, ${fault}` : ''}`);
}

function invalid(why: string) {
  return clusterFault('CLUSTER_ANSWER_INVALID', `the API node answers in another way: ${why}`, {
    hint: 'run the same version of Ward on all nodes',
  });
}

function unreachable(url: string, cause: Error) {
  return clusterFault('CLUSTER_UNREACHABLE', `${url} does not answer: ${messageOf(cause)}`, {
    hint: 'check the address of --join, and whether this machine can reach it',
    cause,
  });
}

/** The API node has no way to its own store of blobs. */
function awayFault(cause: Error) {
  return blobFault('BLOB_STORE_UNREACHABLE', cause.message, { retryAfterMs: 5000, cause });
}
