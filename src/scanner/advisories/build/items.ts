/** The records of a file, one by one, whatever its shape. */
import { messageOf } from '../../../lib/index.ts';
import type { Item, Shape } from '../forms/form.ts';
import { damaged, maxRecordBytes, unpackedBytes } from './input.ts';
import { type JsonPart, jsonSplitter } from './json-splitter.ts';
import { linesOf } from './lines.ts';
import { zippedJson } from './zip.ts';

/** A record, or why it is none. */
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
