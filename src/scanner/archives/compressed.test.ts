/** Compares bzip2 and xz with the output of Debian's programs. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, type TestContext, test } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { decompressed } from './decompress.ts';

type Form = 'bzip2' | 'xz' | 'lzma';
const suffixes: Readonly<Record<Form, string>> = { bzip2: 'bz2', xz: 'xz', lzma: 'lzma' };

const text = Buffer.from('PASSWORD = "hunter2"\n'.repeat(3));
/** The same data, for machines without such a program. */
const packed: Readonly<Record<Form, Buffer>> = {
  bzip2: Buffer.from(
    'QlpoOTFBWSZTWZmKXvgAABBfgAAQUAAQAiQA2IACQRYAIAAiv9VTRpppiaehTTIxMTEm6dqKNOFnrCy67En7KGkIbF3JFOFCQmYpe+A=',
    'base64',
  ),
  xz: Buffer.from(
    '/Td6WFoAAATm1rRGBMAlPyEBFgAAAAAAAAAAAEMbkr3gAD4AHV0AKBBGwOj4y5Cep+mhvgjqLL0RteQzKeh3nwtYAAAAAAAAafoqzE1FZJ4AAUE/UuaCfx+2830BAAAAAARZWg==',
    'base64',
  ),
  lzma: Buffer.from('XQAAgAD//////////wAoEEbA6PjLkJ6n6aG+COosvRG15DMp6HefWEaz///b1AAA', 'base64'),
};

async function unpacked(form: Form, bytes: Buffer) {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of decompressed(form, bytes)) pieces.push(Buffer.from(piece));
    return { bytes: Buffer.concat(pieces) };
  } catch (error) {
    return { bytes: Buffer.concat(pieces), failed: error instanceof Error ? error.message : 'odd' };
  }
}

/** Text, runs and noise across several blocks. */
const mixed = Buffer.concat([
  Buffer.from(Array.from({ length: 60_000 }, (_, at) => `line ${at} of ${at % 97}\n`).join('')),
  Buffer.alloc(1_200_000, 'a'),
  Buffer.alloc(700_001),
  randomBytes(300_000),
  Buffer.from([...Array(256).keys()].flatMap((byte) => Array<number>(byte % 7).fill(byte))),
]);

const writings: readonly { readonly form: Form; readonly argv: readonly string[] }[] = [
  { form: 'bzip2', argv: ['bzip2', '-1'] },
  { form: 'bzip2', argv: ['bzip2', '-9'] },
  { form: 'xz', argv: ['xz', '-0', '--check=none'] },
  { form: 'xz', argv: ['xz', '-6'] },
  { form: 'xz', argv: ['xz', '--check=sha256', '--block-size=400000'] },
  { form: 'xz', argv: ['xz', '--lzma2=dict=4KiB,lc=1,lp=3,pb=0'] },
  { form: 'xz', argv: ['xz', '--lzma2=dict=64MiB,lc=0,lp=0,pb=4'] },
  { form: 'lzma', argv: ['xz', '--format=lzma', '-0'] },
  { form: 'lzma', argv: ['xz', '--format=lzma', '-6'] },
  { form: 'lzma', argv: ['xz', '--format=lzma', '--lzma1=dict=4KiB,lc=1,lp=3,pb=0'] },
];

describe.each(writings)('$form by $argv', ({ form, argv }) => {
  const write = async (input: Buffer, context: TestContext): Promise<Buffer> => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-compressed-'));
    const file = join(folder, 'x');
    try {
      await writeFile(file, input);
      const ran = await runCommand([...argv, file]).catch(() => undefined);
      if (ran?.code !== 0) context.skip(`${argv[0]} is not installed`);
      return await readFile(`${file}.${suffixes[form]}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it.for<[what: string, input: Buffer]>([
    ['much', mixed],
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['a run', Buffer.alloc(259, 'x')],
  ])('comes back: %s', async ([, input], context) => {
    const { bytes, failed } = await unpacked(form, await write(input, context));
    expect([failed, bytes.equals(input)]).toEqual([undefined, true]);
  });

  it.skipIf(form === 'lzma')('comes back when two are joined', async (context) => {
    const one = await write(text, context);
    expect(await unpacked(form, Buffer.concat([one, one]))).toEqual({ bytes: Buffer.concat([text, text]) });
  });
});

const forms: readonly Form[] = ['bzip2', 'xz', 'lzma'];

test.each(forms)('%s comes back, and a cut file up to its cut', async (form) => {
  expect(await unpacked(form, packed[form])).toEqual({ bytes: text });
  const cut = await unpacked(form, packed[form].subarray(0, -10));
  expect(cut).toMatchObject({ failed: expect.stringMatching(/^it is (?:cut short|damaged)$/) });
  if (form === 'lzma') return expect(cut.bytes.toString()).toMatch(/^PASSWORD = "hunter2"/);
  const two = await unpacked(form, Buffer.concat([packed[form], packed[form].subarray(0, 30)]));
  expect(two).toEqual({ bytes: text, failed: expect.any(String) });
});

test.each(forms)('damaged %s ends, and never yields more than its limit', async (form) => {
  const whole = packed[form];
  const damage = fc.record({ at: fc.nat({ max: whole.length - 1 }), to: fc.nat({ max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 6 }), async (damages) => {
      const copy = Buffer.from(whole);
      for (const { at, to } of damages) copy[at] = to;
      expect((await unpacked(form, copy)).bytes.length).toBeLessThan(2 ** 24);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['a filter for programs', [13, 1], 'it has a filter that Ward does not support'],
  ['128 MiB of dictionary', [18, 30], 'it needs 128 MiB of memory, and at most 64 are allowed'],
] as const)('xz with %s is refused', async (_what, [at, to], says) => {
  const copy = Buffer.from(packed.xz);
  copy[at] = to;
  expect(await unpacked('xz', copy)).toEqual({ bytes: Buffer.alloc(0), failed: says });
});
