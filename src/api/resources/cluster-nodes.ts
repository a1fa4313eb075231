/**
 * What a node without a database gets from an API node: the runtime images, code and layers by digest, and a way into
 * the API for its sandboxes. Each request carries the proof of its node. A digest is the right to its bytes: a node
 * knows those of its own jobs, and can list no others.
 */
import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { sendError, sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';
import type { SandboxEntrance } from '../sandbox-entrance.ts';

const root = '/ward/v1/cluster';
/** The header with the proof. */
export const proofHeader = 'x-ward-node';
/** The protocol to which a connection of a sandbox is upgraded (RFC 9110, section 7.8). */
export const sandboxProtocol = 'ward-sandbox';

const blobPlaces = ['code', 'registry', 'images'] as const;
export type BlobPlace = (typeof blobPlaces)[number];

/** Bytes from the first to the last, both inclusive. */
interface Part {
  readonly first: number;
  readonly last: number;
}

export interface NodeRoutes {
  /** @param request method and path @throws Faults of the cluster when no node of it has sent the request */
  authenticate(proof: string | undefined, request: string): Promise<object>;
  /** The runtime images of this machine. */
  images(): Promise<readonly JsonObject[]>;
  /** Undefined when there is no such blob. */
  blobSize(place: BlobPlace, digest: Digest): Promise<number | undefined>;
  openBlob(place: BlobPlace, digest: Digest, part: Part): Promise<Readable>;
}

export function addClusterNodes(app: FastifyInstance, nodes: NodeRoutes): void {
  const check = ({ method, url, headers }: FastifyRequest) =>
    nodes.authenticate(textOf(headers[proofHeader]), `${method} ${url}`);
  addResource(app, [`${root}/images`], {
    GET: {
      access: 'own-check',
      async handler(request, reply) {
        await check(request);
        return sendJson(reply, 200, JSON.stringify({ images: await nodes.images() }));
      },
    },
  });
  addResource(app, [`${root}/blobs/:place/:digest`], {
    GET: {
      access: 'own-check',
      async handler(request, reply) {
        await check(request);
        return sendBlob(request, reply, nodes);
      },
    },
  });
}

async function sendBlob(request: FastifyRequest, reply: FastifyReply, nodes: NodeRoutes) {
  const { place, digest } = request.params as { readonly place: string; readonly digest: string };
  const known = blobPlaces.find((each) => each === place);
  const size = known !== undefined && isDigest(digest) ? await nodes.blobSize(known, digest) : undefined;
  if (known === undefined || !isDigest(digest) || size === undefined)
    return sendError(request, reply, 404, 'There is no such blob.');
  const part = partOf(textOf(request.headers.range), size);
  if (part === undefined) {
    reply.header('content-range', `bytes */${size}`);
    return sendError(request, reply, 416, 'The blob does not have these bytes.');
  }
  const isWhole = part.first === 0 && part.last === size - 1;
  reply
    .code(isWhole ? 200 : 206)
    .header('content-type', 'application/octet-stream')
    .header('content-length', part.last - part.first + 1);
  if (!isWhole) reply.header('content-range', `bytes ${part.first}-${part.last}/${size}`);
  return size === 0 ? reply.send('') : reply.send(await nodes.openBlob(known, digest, part));
}

/** Reads `bytes=FIRST-` and `bytes=FIRST-LAST`. Undefined: the blob lacks them, or it has another form. */
function partOf(range: string | undefined, size: number): Part | undefined {
  if (range === undefined) return { first: 0, last: size - 1 };
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range) ?? [];
  if (first === undefined) return undefined;
  const part = { first: Number(first), last: last ? Math.min(Number(last), size - 1) : size - 1 };
  return part.first <= part.last ? part : undefined;
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Whether the request asks for the way of a sandbox; all other upgrades are ignored (RFC 9110, section 7.8). */
export function wantsSandboxWay({ headers, url = '' }: IncomingMessage): boolean {
  return headers.upgrade === sandboxProtocol && namespaceIn(url) !== undefined;
}

/** Connections that were upgraded, which the server does not count as its own any more. */
const ways = new WeakMap<Server, Set<Duplex>>();

/** A server that closes would wait for them. */
export function closeSandboxWays(server: Server): void {
  for (const socket of ways.get(server) ?? []) socket.destroy();
}

/**
 * Takes connections of sandboxes on other nodes. The node tells the sandbox's namespace. A wrong one gains nothing:
 * the entrance serves only keys of that namespace.
 */
export function takeSandboxWays(
  server: Server,
  nodes: Pick<NodeRoutes, 'authenticate'>,
  enter: SandboxEntrance,
): void {
  const open = new Set<Duplex>();
  ways.set(server, open);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    void admit(request, nodes).then((namespace) => {
      if (namespace === undefined || !(socket instanceof Socket)) return refuse(socket);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${sandboxProtocol}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      enter({ socket, namespace });
    });
  });
}

/** The server has no timer for such a connection, so nothing may be left to its client. */
function refuse(socket: Duplex): void {
  socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', () => socket.destroy());
}

async function admit(
  { method, url = '', headers }: IncomingMessage,
  nodes: Pick<NodeRoutes, 'authenticate'>,
): Promise<string | undefined> {
  try {
    await nodes.authenticate(textOf(headers[proofHeader]), `${method} ${url}`);
    return namespaceIn(url);
  } catch {
    return undefined;
  }
}

export function sandboxWay(namespace: string): string {
  return `${root}/sandboxes/${encodeURIComponent(namespace)}`;
}

function namespaceIn(url: string): string | undefined {
  const encoded = new RegExp(`^${root}/sandboxes/([^/?]+)$`).exec(url)?.[1];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
