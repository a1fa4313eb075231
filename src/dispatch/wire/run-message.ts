/**
 * The message that brings a job to an invoker. The head has all of it but the parameters, which are the tail. A long
 * environment does not fit into a head: then it is in the tail, after the parameters.
 */
import type { JsonObject } from '../../lib/index.ts';
import type { Job } from '../types.ts';
import { invalid } from './frames.ts';
import { type HeadOf, parseHead, plain } from './heads.ts';
import type { Message } from './messages.ts';
import { parseTail } from './tails.ts';

export interface RunOrder extends Omit<HeadOf<'run'>, 'job' | 'environment'> {
  readonly job: Job;
}

/** A letter takes up to six bytes in a head, which has up to 4 MiB. */
const mostLettersInHead = 512 * 1024;

export function runMessage({ job, ...head }: RunOrder, attempt: number): Message {
  const { parameters, activationId, ...rest } = job;
  const subject = { type: 'run', activationId, attempt } as const;
  const tail = Buffer.from(JSON.stringify(parameters));
  if (!isLong(job.initEnv)) return { ...subject, head: plain({ ...head, job: rest }), tail };
  const environment = Buffer.from(JSON.stringify(job.initEnv));
  return {
    ...subject,
    head: plain({ ...head, environment: { bytes: environment.length }, job: { ...rest, initEnv: {} } }),
    tail: Buffer.concat([tail, environment]),
  };
}

/** @throws Fault MESSAGE_INVALID */
export function runIn({ activationId, head, tail }: Message): RunOrder {
  const { job, environment, ...order } = parseHead('run', head);
  const at = tail.length - (environment?.bytes ?? 0);
  if (at < 0) throw invalid(`parameters of ${at} bytes`);
  const parameters = parametersIn(tail.subarray(0, at));
  const initEnv = environment === undefined ? job.initEnv : environmentIn(tail.subarray(at));
  return { ...order, job: { ...job, activationId, parameters, initEnv } };
}

function isLong(environment: JsonObject): boolean {
  let letters = 0;
  for (const value of Object.values(environment))
    letters += typeof value === 'string' ? value.length : JSON.stringify(value ?? null).length;
  return letters > mostLettersInHead;
}

function parametersIn(tail: Buffer): Job['parameters'] {
  const value = parseTail(tail, 'parameters');
  if (typeof value !== 'object' || value === null)
    throw invalid('parameters are neither an object nor a list');
  return value as Job['parameters'];
}

function environmentIn(tail: Buffer): JsonObject {
  const value = parseTail(tail, 'environment');
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('an environment is no object');
  return value as JsonObject;
}
