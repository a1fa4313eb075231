/** Lines of offsets in one text, counted on from the last that was asked for. */
interface LineCounter {
  /** From 1. */
  lineAt(bytes: Buffer, offset: number): number;
}

export function createLineCounter(): LineCounter {
  let line = 1;
  let at = 0;
  return {
    lineAt: (bytes, offset) => {
      if (offset < at) [line, at] = [1, 0];
      for (let next = bytes.indexOf(10, at); next >= 0 && next < offset; next = bytes.indexOf(10, at)) {
        line++;
        at = next + 1;
      }
      return line;
    },
  };
}
