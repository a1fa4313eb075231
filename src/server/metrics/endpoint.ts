/** What `/metrics` answers, and who may ask. */
import { readFile } from 'node:fs/promises';
import type { MetricsSource } from '../../api/index.ts';
import { messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import type { Figures } from './figures.ts';

const shortestToken = 16;

/** @throws Fault CONFIG_INVALID when the file of the token can't be read, or has none */
export async function metricsSource(
  { contentType, text }: Pick<Figures, 'contentType' | 'text'>,
  tokenFile: string | undefined,
): Promise<MetricsSource> {
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  return { contentType, text, token };
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `metrics.tokenFile: ${messageOf(cause)}`, { cause });
  }
  if (text.length >= shortestToken && /^[\x21-\x7e]+$/.test(text)) return text;
  throw serverFault('CONFIG_INVALID', `metrics.tokenFile: ${file} holds no token`, {
    hint: `write one line of ${shortestToken} characters or more: openssl rand -hex 24 > ${file}`,
  });
}
