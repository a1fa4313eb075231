/**
 * Keys that stand twice in one object of a JSON text. JSON leaves open which of them counts, so one reader could see
 * another image than the next.
 */

/** The first such key of `json`, which must be JSON; undefined when there is none. */
export function findRepeatedKey(json: string): string | undefined {
  /** For each open bracket: the keys of the object, or undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      isKeyNext = char === '{';
    } else if (char === '}' || char === ']') open.pop();
    else if (char === ',') isKeyNext = open.at(-1) !== undefined;
    else if (char === '"') {
      const end = endOfString(json, at);
      const keys = open.at(-1);
      if (isKeyNext && keys !== undefined) {
        const key = String(JSON.parse(json.slice(at, end + 1)));
        if (keys.has(key)) return key;
        keys.add(key);
      }
      isKeyNext = false;
      at = end;
    }
  }
  return undefined;
}

/** Where the closing quote of the string that begins at `from` is. */
function endOfString(json: string, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') return at;
  }
  return json.length;
}
