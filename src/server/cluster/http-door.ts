/** How a joining node reaches an API node. HTTP is enough: requests are signed, and the token names the authority. */
import type { z } from 'zod';
import { type BusAddresses, parseBusAddresses } from '../../bus/index.ts';
import {
  type ClusterDoor,
  clusterFault,
  clusterFaults,
  descriptionSchema,
  issuedSchema,
} from '../../cluster/index.ts';
import { isJsonObject, isTlsCode, type JsonValue, messageOf, nodeCodeOf } from '../../lib/index.ts';
import type { ApiAddresses } from './api-addresses.ts';

const timeoutMs = 15_000;
const mostBytes = 64 * 1024;

const path = '/ward/v1/cluster';

/** @param bus the node's own setting, which counts in place of the cluster's */
export function openHttpDoor(addresses: ApiAddresses, bus?: BusAddresses): ClusterDoor {
  const issuedBy = async (url: string, step: string, request: object) => {
    const issued = await ask(`${url}${path}/${step}`, issuedSchema, request);
    if (bus === undefined && issued.bus !== null) refuseForgeable(url, issued.bus.addresses);
    return issued;
  };
  return {
    describe: () => addresses.use((url) => ask(`${url}${path}`, descriptionSchema)),
    join: (request) => addresses.use((url) => issuedBy(url, 'join', request)),
    renew: (request) => addresses.use((url) => issuedBy(url, 'renewal', request)),
  };
}

const onThisMachine = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

/**
 * The answer is not signed as a whole: someone between the two could name a bus of their own. Over TLS the node refuses that bus,
 * because its certificate is not from the cluster's authority.
 */
function refuseForgeable(url: string, addresses: string): void {
  const { protocol, host } = new URL(url);
  const { servers, isTls } = parseBusAddresses(addresses);
  const isForgeable = protocol === 'http:' && !onThisMachine.test(host);
  if (!isForgeable || isTls || servers.every((server) => onThisMachine.test(server))) return;
  throw clusterFault(
    'CLUSTER_ANSWER_INVALID',
    `${url} names a bus without TLS, over a connection without TLS`,
    {
      hint: 'name the API node by https, give the bus TLS, or set bus in the configuration of this node',
    },
  );
}

/** @throws Fault CLUSTER_UNREACHABLE, CLUSTER_ANSWER_INVALID, and those of the cluster */
async function ask<Schema extends z.ZodType>(
  url: string,
  schema: Schema,
  body?: object,
): Promise<z.infer<Schema>> {
  const { status, fault, value } = await exchange(url, body);
  if (status !== 200) throw faultIn(url, status, fault, value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw notWard(`the answer of ${url} has another form`);
}

interface Answer {
  readonly status: number;
  /** The code of the fault. */
  readonly fault: string | null;
  readonly value: JsonValue | undefined;
}

async function exchange(url: string, body: object | undefined): Promise<Answer> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const value = parse(await textOf(response));
    return { status: response.status, fault: response.headers.get('x-ward-fault'), value };
  } catch (cause) {
    const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    const hint = isTlsCode(nodeCodeOf(why) ?? '')
      ? 'check the scheme and the certificate; for an authority of your own, start this node with NODE_EXTRA_CA_CERTS=FILE'
      : 'check the address of the API node, and whether this machine can reach it';
    throw clusterFault('CLUSTER_UNREACHABLE', `${url} does not answer: ${messageOf(why)}`, { hint, cause });
  }
}

async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The fault of the cluster in an answer, as if it had been thrown here. Undefined: it is another one.
 * @param code of the header `x-ward-fault` @param value the body
 */
export function clusterFaultIn(status: number, code: unknown, value: JsonValue | undefined) {
  if (!isClusterCode(code)) return undefined;
  const { hint } = isJsonObject(value) ? value : {};
  return clusterFault(code, textIn(status, value), typeof hint === 'string' ? { hint } : {});
}

function faultIn(url: string, status: number, code: string | null, value: JsonValue | undefined) {
  const fault = clusterFaultIn(status, code, value);
  if (fault !== undefined) return fault;
  const text = textIn(status, value);
  if (status === 429 || status >= 500) {
    return clusterFault('CLUSTER_UNREACHABLE', `${url} can't answer now: ${text}`, { hint: 'try again' });
  }
  return notWard(`${url} answers ${status}: it has no authority of a cluster`);
}

function textIn(status: number, value: JsonValue | undefined): string {
  const { error } = isJsonObject(value) ? value : {};
  return typeof error === 'string' ? error : `status ${status}`;
}

function isClusterCode(code: unknown): code is keyof typeof clusterFaults {
  return typeof code === 'string' && Object.hasOwn(clusterFaults, code);
}

function notWard(message: string) {
  return clusterFault('CLUSTER_ANSWER_INVALID', message, {
    hint: 'name an API node on which ward cluster init was run, or that has a copy of its authority',
  });
}
