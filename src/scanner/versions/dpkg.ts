/**
 * Orders versions of Debian and its descendants: `[epoch:]upstream[-revision]` (deb-version(7)). A missing epoch is 0, a
 * missing revision equals `0`.
 */
import { compareNumerals, versionScheme } from './scheme.ts';

interface DebianVersion {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string;
}

export const dpkg = versionScheme<DebianVersion>(parse, (a, b) => {
  return (
    compareNumerals(a.epoch, b.epoch) ||
    comparePart(a.upstream, b.upstream) ||
    comparePart(a.revision, b.revision)
  );
});

function parse(text: string): DebianVersion | undefined {
  const match = /^(?:(\d+):(\S+)|([^\s:]+))$/.exec(text.trim());
  if (match === null) return undefined;
  const [, epoch = '0', withEpoch, alone] = match;
  const rest = withEpoch ?? alone ?? '';
  const dash = rest.lastIndexOf('-');
  return {
    epoch,
    upstream: dash === -1 ? rest : rest.slice(0, dash),
    revision: dash === -1 ? '' : rest.slice(dash + 1),
  };
}

/** Compares text and digits in turns. A part that has ended counts as empty text, then as zero. */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weightAt(a, i) - weightAt(b, j);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const left = digitsAt(a, i);
    const right = digitsAt(b, j);
    const difference = compareNumerals(left || '0', right || '0');
    if (difference !== 0) return difference;
    i += left.length;
    j += right.length;
  }
  return 0;
}

/** `~` sorts before the end, the end before letters, letters before everything else. */
function weightAt(text: string, index: number): number {
  if (index >= text.length || isDigit(text, index)) return 0;
  const code = text.charCodeAt(index);
  if (code === 0x7e) return -1;
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) ? code : code + 256;
}

function digitsAt(text: string, start: number): string {
  let end = start;
  while (end < text.length && isDigit(text, end)) end++;
  return text.slice(start, end);
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0x30 && code <= 0x39;
}
