/** An HTTP answer as plain data, before it is on its way. */

/** Names in lower case; a list is sent as so many headers. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

export interface WebAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string | Buffer | undefined;
}

/** A result in the form that was asked for, or why it is not. */
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

/** Errors of web actions are for people: on four lines. */
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

/** What the answer has itself stays. */
export function withHeaders(answer: WebAnswer, headers: AnswerHeaders): WebAnswer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}
