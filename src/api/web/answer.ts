/** HTTP answers as plain data, and how they are sent. */
import type { FastifyReply } from 'fastify';

/** Names in lower case; each value of a list becomes a header. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

export interface WebAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string | Buffer | undefined;
}

/** A result in the requested form, or the refusal. */
export type Shaped = Content | WebRefusal;

export interface Content {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Undefined when there is no body. */
  readonly contentType: string | undefined;
  readonly body: string | Buffer | undefined;
}

export interface WebRefusal {
  readonly status: number;
  readonly error: string;
}

/** Makes an error answer of a web action. It is on four lines, for people. */
export function errorAnswer(status: number, text: string, transactionId: string): WebAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: prettyJson({ error: text, code: transactionId }),
  };
}

export function prettyJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** Adds headers that the answer does not set itself. */
export function withHeaders(answer: WebAnswer, headers: AnswerHeaders): WebAnswer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Sends bytes: Fastify would add a charset to the type of a JSON string. */
export function send(reply: FastifyReply, { status, headers, body }: WebAnswer): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? Buffer.from(body) : body);
}
