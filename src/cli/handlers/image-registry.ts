/** `ward image list`, `report`, `delete`: use the registry's API and the gate's, or the store on request. */
import { isJsonObject, type JsonObject, type JsonValue, packageVersion } from '../../lib/index.ts';
import { type Finding, type JudgedReport, parseReport, type Report } from '../../scanner/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import { type Destination, destinationOf, writeScan } from '../scan/destination.ts';
import { clearReports, writeReports } from '../scan/report-files.ts';
import { deleteFromStore, isStoreName, listStore } from './image-store.ts';

interface ListedImage {
  readonly image: string;
  readonly digest: string;
  /** True when a tag holds signatures of it, or the gate found some in bundles; `verify` shows who signed. */
  readonly isSigned: boolean;
  /** The gate's latest verdict of each stage; empty when it was never judged. */
  readonly verdicts: readonly JsonObject[];
}

const companionTag = /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/;
const pageLength = 100;

export const list: Handler = async (input, context) => {
  if (input.has('store')) return listStore(input, context);
  const client = await context.client();
  const limit = input.integer('limit', { min: 1, max: 10_000 }) ?? 100;
  const images: ListedImage[] = [];
  using progress = context.io.progress();
  for await (const { repository, tags } of repositories(client)) {
    for (const tag of tags.filter((name) => !companionTag.test(name)).slice(0, limit - images.length)) {
      progress.show(`${repository}:${tag}`);
      const digest = await digestOfImage(client, repository, tag);
      const verdicts = await verdictsOf(client, digest);
      const isSigned =
        tags.includes(`${digest.replace(':', '-')}.sig`) ||
        verdicts.some((verdict) => vouchersIn(verdict).signedBy.length > 0);
      images.push({ image: `${repository}:${tag}`, digest, isSigned, verdicts });
    }
    if (images.length >= limit) break;
  }
  progress[Symbol.dispose]();
  const outcomeAt = ({ verdicts }: ListedImage, stage: string) =>
    textOf(verdicts.find((verdict) => verdict['stage'] === stage)?.['outcome']);
  await context.io.list({
    items: images,
    columns: [
      { title: 'image', cell: ({ image }) => image },
      { title: 'digest', cell: ({ digest }) => digest },
      { title: 'signed', cell: ({ isSigned }) => (isSigned ? 'yes' : 'no') },
      { title: 'push', cell: (image) => outcomeAt(image, 'push') },
      { title: 'deploy', cell: (image) => outcomeAt(image, 'deploy') },
      { title: 'run', cell: (image) => outcomeAt(image, 'run') },
    ],
    name: ({ image }) => image,
  });
  if (images.length === 0)
    context.io.note(
      'the registry has no images; ward image list --store lists those that ward image build made',
    );
  if (images.length === limit) context.io.note(`there may be more: --limit ${limit * 2}`);
  return 0;
};

export const report: Handler = async (input, context) => {
  const destination = destinationOf(input);
  const reportsDir = input.text('reports');
  if (input.has('sbom')) return sbom(input, context, destination);
  if (reportsDir !== undefined) await clearReports(reportsDir);
  const client = await context.client();
  const { io } = context;
  const digest = await digestAsked(client, input);
  const body = await client.sendForObject({
    method: 'GET',
    root: '/ward/v1',
    path: ['reports', digest, 'report'],
  });
  const found = parseReport(Buffer.from(JSON.stringify(body)), 'what the server answered');
  const verdicts = await verdictsOf(client, digest);
  const judged = judgedBy(verdicts, found);
  if (reportsDir !== undefined) await writeReports(reportsDir, judged, io);
  const lines = vouchersInWords(latestOf(verdicts));
  await writeScan(judged, destination, io, { lines, fields: { verdicts } });
  return 0;
};

export const remove: Handler = async (input, context) => {
  if (isStoreName(input.required(0))) return deleteFromStore(input, context);
  if (input.has('force'))
    throw cliFault('USAGE', '--force is for images in the store, whose names have no slash');
  const { client, io } = context;
  const { repository, reference } = parseName(input.required(0));
  const api = await client();
  await api.send({
    method: 'DELETE',
    root: '',
    path: ['v2', ...repository.split('/'), 'manifests', reference],
  });
  io.ok(`deleted ${input.required(0)}`);
  return 0;
};

async function sbom(input: Input, { client, io }: Context, destination: Destination): Promise<number> {
  if (
    destination.file !== undefined ||
    input.text('format') !== undefined ||
    input.text('reports') !== undefined
  )
    throw cliFault('USAGE', '--sbom goes to standard output, as JSON or YAML', {
      hint: 'use --format cyclonedx to write an SBOM to a file',
    });
  const api = await client();
  const path = ['reports', await digestAsked(api, input), 'sbom'];
  await io.value(await api.sendForObject({ method: 'GET', root: '/ward/v1', path }));
  return 0;
}

async function* repositories(client: ApiClient) {
  for await (const repository of pages(client, ['_catalog'], 'repositories')) {
    const tags: string[] = [];
    for await (const tag of pages(client, [...repository.split('/'), 'tags', 'list'], 'tags')) tags.push(tag);
    yield { repository, tags };
  }
}

/** Texts of a paged list. */
async function* pages(client: ApiClient, path: readonly string[], key: string): AsyncGenerator<string> {
  for (let last: string | undefined; ; ) {
    const query = { n: pageLength, ...(last === undefined ? {} : { last }) };
    const { body, headers } = await client.send({ method: 'GET', root: '', path: ['v2', ...path], query });
    const items = (isJsonObject(body) && Array.isArray(body[key]) ? body[key] : []).filter(
      (item) => typeof item === 'string',
    );
    yield* items;
    last = items.at(-1);
    if (headers['link'] === undefined || last === undefined) return;
  }
}

async function digestOfImage(client: ApiClient, repository: string, reference: string): Promise<string> {
  const path = ['v2', ...repository.split('/'), 'manifests', reference];
  const { headers } = await client.send({ method: 'GET', root: '', path });
  const digest = headers['docker-content-digest'];
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw cliFault('SERVER_NOT_WARD', `the registry named no digest of ${repository}:${reference}`);
}

/** A digest needs no request to the registry, which does not have refused images. */
async function digestAsked(client: ApiClient, input: Input): Promise<string> {
  const typed = input.required(0);
  const digest = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(typed)?.[1];
  if (digest !== undefined) return digest;
  const { repository, reference } = parseName(typed);
  return digestOfImage(client, repository, reference);
}

/** @throws Fault NAME_INVALID */
function parseName(typed: string): { readonly repository: string; readonly reference: string } {
  const [, repository, tag, digest] =
    /^([a-z0-9][a-z0-9._/-]*\/[a-z0-9._/-]+)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      typed,
    ) ?? [];
  if (repository !== undefined) return { repository, reference: digest ?? tag ?? 'latest' };
  throw cliFault('NAME_INVALID', `'${typed}' is not the name of an image in the registry`, {
    hint: 'write NAMESPACE/NAME:TAG, as ward image list shows it',
  });
}

/** Empty when the gate never judged it. */
async function verdictsOf(client: ApiClient, digest: string): Promise<readonly JsonObject[]> {
  const path = ['reports', digest, 'verdict'];
  const { status, body } = await client.send({ method: 'GET', root: '/ward/v1', path, accepts: [404] });
  return status === 404 || !Array.isArray(body) ? [] : body.filter(isJsonObject);
}

function latestOf(verdicts: readonly JsonObject[]): JsonObject | undefined {
  return verdicts.toSorted((a, b) => (textOf(a['judgedAt']) < textOf(b['judgedAt']) ? 1 : -1))[0];
}

/** Lines with the signers and the attestations of the image. */
function vouchersInWords(verdict: JsonObject | undefined): readonly string[] {
  const { signedBy, attested } = vouchersIn(verdict);
  return [
    ...signedBy.map((who) => printableLine(`  signed by ${who}`)),
    ...attested.map((what) => printableLine(`  attested: ${what}`)),
  ];
}

function vouchersIn(verdict: JsonObject | undefined) {
  const vouchers = verdict?.['vouchers'];
  const textsIn = (key: string): readonly string[] => {
    const value = isJsonObject(vouchers) ? vouchers[key] : undefined;
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  };
  return { signedBy: textsIn('signedBy'), attested: textsIn('attested') };
}

/** The latest verdict counts. A stored verdict has the ids of its findings. */
function judgedBy(verdicts: readonly JsonObject[], found: Report): JudgedReport {
  const latest = latestOf(verdicts);
  const reasons = listOf(latest?.['reasons']).map((reason) => ({
    outcome: outcomeOf(reason['outcome']),
    rule: textOf(reason['rule']),
    text: textOf(reason['text']),
    ids: new Set(Array.isArray(reason['findings']) ? reason['findings'] : []),
  }));
  const denied = reasons.filter(({ outcome }) => outcome === 'deny');
  const breaks = ({ id }: Finding) => denied.some(({ ids }) => ids.has(id));
  return {
    report: found,
    outcome: outcomeOf(latest?.['outcome']),
    reasons,
    breaking: new Set(found.findings.filter(breaks)),
    version: packageVersion(),
  };
}

function outcomeOf(value: JsonValue | undefined): JudgedReport['outcome'] {
  return value === 'deny' || value === 'warn' ? value : 'allow';
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
