/**
 * Cuts one long JSON document into the objects and arrays at one depth, without parsing the rest: exports are single
 * documents of a hundred megabytes. Depth 0 is the document itself, 1 what is directly in it, 2 what is in a list of it.
 */

export interface JsonPart {
  /** The names on the way to it; empty strings in lists. */
  readonly path: readonly string[];
  readonly text: string;
}

export interface JsonSplitter {
  /** The parts that end in this chunk. @throws SyntaxError when one is too long, or the document goes on after its end */
  push(chunk: Buffer): readonly JsonPart[];
  /** Whether the document has ended, and nothing is missing. */
  isWhole(): boolean;
}

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
/** Real documents have a handful of levels. */
const maxDepth = 1000;
const longestName = 4096;

export function jsonSplitter(depth: number, maxPartBytes: number): JsonSplitter {
  return new Splitter(depth, maxPartBytes);
}

class Splitter implements JsonSplitter {
  readonly #target: number;
  readonly #maxPartBytes: number;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #ended = false;
  /** Of the part that is being read: its beginning, in earlier chunks. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #inPart = false;
  /** The last string at each depth above the target, which is a name if a colon follows. */
  #names: string[] = [];
  #string: Buffer[] = [];

  constructor(target: number, maxPartBytes: number) {
    this.#target = target;
    this.#maxPartBytes = maxPartBytes;
  }

  push(chunk: Buffer): readonly JsonPart[] {
    const parts: JsonPart[] = [];
    let start = 0;
    let stringStart = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) {
          this.#inString = false;
          if (this.#depth <= this.#target) this.#keepString(chunk.subarray(stringStart, i));
        }
      } else if (byte === quote) {
        this.#inString = true;
        stringStart = i + 1;
        this.#string = [];
      } else if (byte === openBrace || byte === openBracket) {
        if (this.#ended) throw new SyntaxError('it goes on after its end');
        if (this.#depth === this.#target) {
          start = i;
          this.#inPart = true;
        }
        if (++this.#depth > maxDepth) throw new SyntaxError('it nests too deep');
        if (this.#depth <= this.#target) this.#names[this.#depth] = '';
      } else if (byte === closeBrace || byte === closeBracket) {
        if (--this.#depth < 0) throw new SyntaxError('it closes what was not open');
        if (this.#depth === this.#target && this.#inPart) {
          parts.push(this.#takePart(chunk.subarray(start, i + 1)));
        }
        this.#ended = this.#depth === 0;
      } else if (byte === comma && this.#depth <= this.#target) this.#names[this.#depth] = '';
      else if (byte === colon && this.#depth <= this.#target) this.#nameEnds();
      else if (this.#ended && byte > 0x20) throw new SyntaxError('it goes on after its end');
    }
    if (this.#inPart) this.#keep(chunk.subarray(start));
    if (this.#inString && this.#depth <= this.#target) this.#keepString(chunk.subarray(stringStart), false);
    return parts;
  }

  isWhole(): boolean {
    return this.#ended && !this.#inString;
  }
}
