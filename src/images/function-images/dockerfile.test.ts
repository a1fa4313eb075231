import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDockerfile, withImages } from './dockerfile.ts';

const namesIn = (text: string) => readDockerfile(text).images.map(({ name }) => name);
const pinned = (text: string) => withImages(readDockerfile(text), (name) => `<${name}>`);

describe('a Dockerfile', () => {
  it.each([
    ['FROM nodejs:24', 'FROM <nodejs:24>'],
    ['from nodejs:24 as one\nRUN x', 'from <nodejs:24> as one\nRUN x'],
    ['FROM --platform=linux/amd64 a:1 AS x\n', 'FROM --platform=linux/amd64 <a:1> AS x\n'],
    ['# syntax=x\n\n  FROM \\\n  # why\n\n  a:1\n', '# syntax=x\n\n  FROM \\\n  # why\n\n  <a:1>\n'],
    ['# escape=`\nFROM `\n a:1\nCOPY \\ /x\n', '# escape=`\nFROM `\n <a:1>\nCOPY \\ /x\n'],
    ['ARG X=1\r\nFROM a:1\r\nCOPY . /fn\r\n', 'ARG X=1\r\nFROM <a:1>\r\nCOPY . /fn\r\n'],
    ['FROM a:1\nCOPY --chown=1 --from=b:2 /x /x', 'FROM <a:1>\nCOPY --chown=1 --from=<b:2> /x /x'],
    ['FROM a:1\nRUN <<EOF\nFROM b:2\nEOF\nFROM c:3', 'FROM <a:1>\nRUN <<EOF\nFROM b:2\nEOF\nFROM <c:3>'],
    ['FROM a:1\nCOPY <<-"E" <<F /x/\nFROM b:2\n\tE\nFROM c:3\nF\nFROM d:4', undefined],
    ['FROM a:1\nRUN echo FROM b:2 \\\n FROM c:3', 'FROM <a:1>\nRUN echo FROM b:2 \\\n FROM c:3'],
    ['FROM a:1@sha256:00', 'FROM <a:1@sha256:00>'],
  ])('%j: its images are found', (text, expected) => {
    if (expected === undefined) expect(namesIn(text)).toEqual(['a:1', 'd:4']);
    else expect(pinned(text)).toBe(expected);
  });

  it('names stages that are not images', () => {
    const text =
      'FROM a:1 AS Build\nFROM build AS second\nCOPY --from=0 /x /x\nCOPY --from=BUILD /y /y\n' +
      'RUN --mount=type=bind,from=second,target=/z true\nFROM second';
    expect(namesIn(text)).toEqual(['a:1']);
    expect(readDockerfile(text).finalBase).toBe('a:1');
    expect(readDockerfile('FROM a:1 AS x\nFROM b:2').finalBase).toBe('b:2');
  });

  it.each([
    ['', 'it has no FROM'],
    ['# nothing\n', 'it has no FROM'],
    ['FROM', 'line 1: FROM names no image'],
    ['FROM --platform=x', 'line 1: FROM names no image'],
    ['\nFROM scratch', 'line 2: an image must be built on one'],
    ['ARG B=a:1\nFROM $B', "line 2: the name of an image can't contain variables"],
    ['FROM "a:1"', "can't contain variables"],
    ['FROM a\\\n:1', 'spans several lines'],
    ['FROM a:1\nCOPY --from=$X /a /b', "line 2: the name of an image can't contain variables"],
    [
      'FROM a:1\nRUN --mount=type=bind,from=b:2,target=/x true',
      'line 2: RUN --mount can only mount from a stage',
    ],
    ['FROM a:1 AS x\n'.repeat(101), 'more than 100 stages'],
    [`FROM a:1\n#${'x'.repeat(1024 * 1024)}`, 'longer than'],
  ])('%j is refused', (text, message) => {
    expect(() => readDockerfile(text)).toThrow(message);
  });

  it('changes only image names, for any text', () => {
    const part = fc.constantFrom(
      ...['FROM a:1', '\n', ' ', '\\', '#', '<<E', 'E', 'COPY --from=b:2', 'RUN x', '\t'],
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join('');
        try {
          expect(withImages(readDockerfile(text), (name) => name)).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DOCKERFILE_INVALID' });
        }
      }),
    );
  });
});
