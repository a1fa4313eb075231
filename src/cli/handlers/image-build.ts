/** `ward image build`: passes the typed options to the server room, and shows the result and what to do about it. */
import { writeFile } from 'node:fs/promises';
import { formatSize, messageOf } from '../../lib/index.ts';
import { type JudgedReport, notLookedFor } from '../../scanner/index.ts';
import type { ImageBuildResult, PushTarget } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { type Io, outputFormats } from '../io.ts';
import { sayLeftOut } from '../left-out.ts';
import { localOptions, openServer } from '../local.ts';
import { printableLine } from '../printable.ts';
import { scanTable } from '../scan/table.ts';
import { countsInWords } from '../scan/words.ts';
import { registryAt } from '../settings.ts';
import { keyFileOf } from './image-build-key.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

export const build: Handler = async (input, context) => {
  const { io } = context;
  const result = await interruptible((signal) => built(input, context, signal));
  if (result === undefined) return exitInterrupted;
  warn(result, io);
  const { judged, places, provenance } = result;
  if (places.length === 0 && judged !== undefined) throw refusal(judged, io);
  if (judged !== undefined) io.note(`scanned: ${countsInWords(judged.report.findings)}`);
  for (const reason of judged?.reasons ?? []) io.note(printableLine(`  ${reason.outcome}  ${reason.text}`));
  const file = input.text('provenance');
  if (file !== undefined) await writeStatement(file, provenance, io);
  for (const place of places) io.ok(`built ${place}`);
  await show(result, io);
  return 0;
};

async function built(input: Input, context: Context, signal: AbortSignal): Promise<ImageBuildResult> {
  const { buildImage } = await openServer();
  const output = input.text('output');
  const isFormat = outputFormats.some((format) => format === output);
  const request = {
    ...localOptions(input),
    folder: input.required(0),
    base: input.text('base'),
    kind: input.text('kind'),
    name: input.text('tag'),
    platform: input.text('platform'),
    output: isFormat ? undefined : output,
    entrypoint: entrypointOf(input.text('entrypoint')),
    labels: Object.fromEntries(input.pairs('label')),
    buildArgs: input.texts('buildArg'),
    hasNetwork: input.has('network'),
    isScanned: input.has('scan'),
    key: keyFileOf(input, context.env),
    push: input.has('push') ? await pushTarget(context) : undefined,
  };
  // A line for each step, on a terminal or in the log of a pipeline: users wait for builds, and read them when they
  // fail.
  const onProgress = (text: string) => context.io.note(printableLine(text));
  return await buildImage({ ...request, signal, onProgress });
}

/** Splits words, or parses a JSON list for words with spaces. */
function entrypointOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const words = text.trimStart().startsWith('[')
    ? listIn(text)
    : text.split(/\s+/).filter((word) => word !== '');
  if (words !== undefined && words.length > 0) return words;
  throw cliFault('USAGE', `--entrypoint takes a command, not '${text}'`, {
    hint: 'write it like --entrypoint /fn/server, or --entrypoint \'["/fn/server", "an argument"]\'',
  });
}

function listIn(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

async function pushTarget(context: Context): Promise<PushTarget> {
  const { apihost, auth, insecure } = context.settings();
  const client = await context.client();
  const { body } = await client.send({ method: 'GET', path: ['namespaces'] });
  const namespace = Array.isArray(body) ? body[0] : undefined;
  if (typeof namespace !== 'string' || auth === undefined)
    throw cliFault('SERVER_NOT_WARD', `${apihost.value} did not name the namespace of the key`);
  return { url: registryAt(apihost.value), namespace, auth: auth.value, insecure };
}

function warn({ image }: ImageBuildResult, io: Io): void {
  for (const warning of image.warnings) io.note(printableLine(`warning: ${warning}`));
  sayLeftOut(io, image.leftOut);
}

/** Shows all findings: the image is not stored, so nobody can scan it later. */
function refusal(judged: JudgedReport, io: Io) {
  io.print(`${scanTable(judged, { ...io.page, isWide: io.format === 'wide' }).join('\n')}\n`);
  const isWhole = notLookedFor(judged).length === 0;
  const why = isWhole
    ? 'the policy does not allow this image'
    : 'ward could not judge this image, and the policy allows only judged images';
  return cliFault('IMAGE_REFUSED', `${why}: ward neither stored nor pushed it`, {
    hint: `${isWhole ? 'fix the findings' : 'follow the advice below the reasons'}; for a closer look, build with --no-scan --output oci:DIR and scan that`,
  });
}

async function writeStatement(file: string, statement: unknown, io: Io): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(statement, undefined, 2)}\n`);
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${file} could not be written: ${messageOf(cause)}`, { cause });
  }
  io.ok(`wrote ${file}`);
}

async function show({ name, image, places, signedBy }: ImageBuildResult, io: Io): Promise<void> {
  const { digest, base, sizeBytes, layers } = image;
  const own = layers.filter(({ role }) => role !== 'base');
  await io.record({
    fields: [
      ['name', name],
      ['digest', digest],
      ['base', `${base.name}@${base.digest}`],
      ['size', formatSize(sizeBytes)],
      ...own.map(
        ({ role, digest: layer, sizeBytes: bytes }) => [role, `${layer}, ${formatSize(bytes)}`] as const,
      ),
      ...(signedBy === undefined ? [] : [['signed by', signedBy] as const]),
    ],
    name,
    data: { name, digest, base, sizeBytes, layers, places, ...(signedBy === undefined ? {} : { signedBy }) },
  });
}
