/** Yields the records of a file of any shape, one by one. */
import { messageOf } from '../../../lib/index.ts';
import type { Item, Shape } from '../forms/form.ts';
import { damaged, maxRecordBytes, unpackedBytes } from './input.ts';
import { type JsonPart, jsonSplitter } from './json-splitter.ts';
import { zippedJson } from './zip.ts';

/** A record, or the reason why it is invalid. */
type ItemOrFlaw = Item | { readonly place: string; readonly flaw: string };

/** @throws Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE */
export function itemsOf(
  path: string,
  shape: Shape,
  progress: (bytes: number) => void,
): AsyncGenerator<ItemOrFlaw> {
  if (shape.kind === 'zip') return zipItems(path, progress);
  return shape.kind === 'lines'
    ? lineItems(path, shape.isJson, progress)
    : partItems(path, shape.depth, progress);
}

async function* zipItems(path: string, progress: (bytes: number) => void): AsyncGenerator<ItemOrFlaw> {
  for await (const { name, text } of zippedJson(path, progress)) yield parsed(name, [], text);
}

async function* lineItems(
  path: string,
  isJson: boolean,
  progress: (bytes: number) => void,
): AsyncGenerator<ItemOrFlaw> {
  for await (const { text, number, isEnded } of linesOf(path, unpackedBytes(path, progress))) {
    const place = `line ${number}`;
    const item = isJson ? parsed(place, [], text) : { place, path: [], value: text };
    if (!isEnded && 'flaw' in item) throw damaged(path, 'it is cut off in its last line');
    yield item;
  }
}

async function* partItems(
  path: string,
  depth: number,
  progress: (bytes: number) => void,
): AsyncGenerator<ItemOrFlaw> {
  const splitter = jsonSplitter(depth, maxRecordBytes);
  let count = 0;
  for await (const chunk of unpackedBytes(path, progress)) {
    for (const part of push(path, splitter.push.bind(splitter), chunk)) {
      yield parsed(part.path.join(' ') || `record ${++count}`, part.path, part.text);
    }
  }
  if (!splitter.isWhole()) throw damaged(path, 'it is cut off');
}

function push(
  path: string,
  split: (chunk: Buffer) => readonly JsonPart[],
  chunk: Buffer,
): readonly JsonPart[] {
  try {
    return split(chunk);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

function parsed(place: string, path: readonly string[], text: string): ItemOrFlaw {
  try {
    const value: unknown = JSON.parse(text);
    return { place, path, value };
  } catch (error) {
    return { place, flaw: messageOf(error) };
  }
}

interface Line {
  readonly text: string;
  /** Counts from 1. */
  readonly number: number;
  /** Whether a line end follows. If not, the file may be cut off here. */
  readonly isEnded: boolean;
}

/** Yields lines that are not empty. @throws Fault ADVISORY_FILE_INVALID */
async function* linesOf(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const text = Buffer.concat([...kept, chunk.subarray(start, end)])
        .toString('utf8')
        .trim();
      kept = [];
      keptBytes = 0;
      start = end + 1;
      number++;
      if (text !== '') yield { text, number, isEnded: true };
    }
    kept.push(chunk.subarray(start));
    keptBytes += chunk.length - start;
    if (keptBytes > maxRecordBytes) throw damaged(path, `line ${number + 1} is too long`);
  }
  const text = Buffer.concat(kept).toString('utf8').trim();
  if (text !== '') yield { text, number: number + 1, isEnded: false };
}
