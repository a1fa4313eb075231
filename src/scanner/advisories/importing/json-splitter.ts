/**
 * Splits one long JSON document into the objects and arrays at one depth without parsing the rest, because exports are
 * single documents of a hundred megabytes. Depth 0 is the document itself (there may be several), 1 its members, 2 the
 * members of those.
 */

export interface JsonPart {
  /** Names of the properties that lead to it; empty in lists. */
  readonly path: readonly string[];
  readonly text: string;
}

interface JsonSplitter {
  /** Returns the parts that end in this chunk. @throws SyntaxError when it is not one document, or a part is too long */
  push(chunk: Buffer): readonly JsonPart[];
  /** Whether the document is complete. */
  isWhole(): boolean;
}

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const brackets = [openBrace, closeBrace, openBracket, closeBracket];
/** Real documents have a handful of levels. */
const maxDepth = 1000;
const longestName = 4096;

export function jsonSplitter(depth: number, maxPartBytes: number): JsonSplitter {
  return new Splitter(depth, maxPartBytes);
}

class Splitter implements JsonSplitter {
  readonly #target: number;
  readonly #maxPartBytes: number;
  readonly #names: string[] = [];
  #depth = 0;
  #hasEnded = false;
  #isInString = false;
  #isEscaped = false;
  /** The last string outside of parts. It is a name if a colon follows. */
  readonly #string = new Pieces();
  #isInPart = false;
  readonly #part = new Pieces();

  constructor(target: number, maxPartBytes: number) {
    this.#target = target;
    this.#maxPartBytes = maxPartBytes;
  }

  push(chunk: Buffer): readonly JsonPart[] {
    const parts: JsonPart[] = [];
    let partStart = 0;
    let stringStart = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === backslash) this.#isEscaped = true;
        else if (byte === quote) {
          this.#isInString = false;
          this.#keepString(chunk.subarray(stringStart, i));
        }
      } else if (this.#depth === 0 && isForeign(byte)) {
        throw new SyntaxError(
          this.#hasEnded ? 'it continues after its end' : 'it is not a JSON object or list',
        );
      } else if (byte === quote) {
        this.#isInString = true;
        this.#string.clear();
        stringStart = i + 1;
      } else if (byte === openBrace || byte === openBracket) {
        if (this.#depth === this.#target) {
          this.#isInPart = true;
          partStart = i;
        }
        this.#open();
      } else if (byte === closeBrace || byte === closeBracket) {
        this.#close();
        if (this.#depth === this.#target && this.#isInPart) {
          this.#isInPart = false;
          this.#keepPart(chunk.subarray(partStart, i + 1));
          parts.push({ path: this.#names.slice(1), text: this.#part.take() });
        }
      } else if (byte === colon) {
        if (this.#depth <= this.#target) this.#names[this.#depth] = nameOf(this.#string.take());
      }
    }
    if (this.#isInString) this.#keepString(chunk.subarray(stringStart));
    if (this.#isInPart) this.#keepPart(chunk.subarray(partStart));
    return parts;
  }

  isWhole(): boolean {
    return this.#hasEnded && !this.#isInString;
  }

  #open(): void {
    if (this.#hasEnded && this.#target > 0) throw new SyntaxError('it continues after its end');
    this.#hasEnded = false;
    if (++this.#depth > maxDepth) throw new SyntaxError(`it nests deeper than ${maxDepth} levels`);
    if (this.#depth <= this.#target) {
      this.#names.length = this.#depth;
      this.#names[this.#depth] = '';
    }
  }

  #close(): void {
    if (--this.#depth < 0) throw new SyntaxError('it closes a bracket that was not open');
    this.#hasEnded = this.#depth === 0;
  }

  #keepString(bytes: Buffer): void {
    if (this.#isInPart || this.#depth > this.#target) return;
    this.#string.add(bytes);
    if (this.#string.length > longestName) this.#string.clear();
  }

  #keepPart(bytes: Buffer): void {
    this.#part.add(bytes);
    if (this.#part.length > this.#maxPartBytes) {
      throw new SyntaxError(`a part of it is longer than ${this.#maxPartBytes} bytes`);
    }
  }
}

/** Collects bytes across chunks, so that the chunks themselves can be freed. */
class Pieces {
  #pieces: Buffer[] = [];
  length = 0;

  add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.length += bytes.length;
  }

  take(): string {
    const text = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.clear();
    return text?.toString('utf8') ?? '';
  }

  clear(): void {
    if (this.#pieces.length > 0) this.#pieces = [];
    this.length = 0;
  }
}

/** Only blanks are allowed between documents, and a byte order mark before the first. */
function isForeign(byte = 0): boolean {
  return byte > 0x20 && byte < 0x80 && !brackets.includes(byte);
}

function nameOf(raw: string): string {
  return raw.includes('\\') ? '' : raw;
}
