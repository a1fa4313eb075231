/**
 * Where the blobs of a cluster are: `s3://BUCKET/PREFIX?endpoint=URL&region=R&cache=SIZE`. It has no room for
 * credentials: the S3 client takes them from the environment, so that no log and no error can show them.
 */
import { formatSize, parseSize } from '../lib/index.ts';
import { blobFault } from './faults.ts';

/** A checked place in an S3-compatible store. It has no secret. */
export interface BlobLocation {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** URL of the server; undefined: Amazon's. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Bound for copies of blobs on this node's disk. */
  readonly cacheBytes: number;
}

const gibibyte = 1024 ** 3;
export const defaultCacheBytes = 10 * gibibyte;
const maxTextLength = 2000;

const bucketForm = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const segmentForm = /^[A-Za-z0-9_.-]{1,128}$/;
const regionForm = /^[a-z0-9-]{1,40}$/;
const knownWords = new Set(['endpoint', 'region', 'cache']);

/** @throws Fault BLOBS_URL_INVALID, whose text repeats no part that could be a secret */
export function parseBlobLocation(text: string): BlobLocation {
  const url = text.length <= maxTextLength && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 's3:') throw invalid('it does not begin with s3://BUCKET');
  if (url.username !== '' || url.password !== '') throw invalid('it has a user or a password', secretHint);
  if (url.port !== '' || !bucketForm.test(url.hostname)) throw invalid('its bucket is not a name of S3');
  if (url.hash !== '') throw invalid('it has a part after #');
  const words = wordsOf(url.searchParams);
  const region = words.get('region') ?? 'us-east-1';
  if (!regionForm.test(region)) throw invalid('its region is not a name like us-east-1');
  return {
    ...{ bucket: url.hostname, prefix: prefixOf(url.pathname), region },
    endpoint: endpointOf(words.get('endpoint')),
    cacheBytes: cacheOf(words.get('cache')),
  };
}

/** The place in words, for logs and messages. */
export function describeLocation({ bucket, prefix, endpoint }: BlobLocation): string {
  return `s3://${bucket}/${prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
}

function wordsOf(params: URLSearchParams): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  for (const [name, value] of params) {
    if (!knownWords.has(name))
      throw invalid('it has a word other than endpoint, region and cache', secretHint);
    if (words.has(name)) throw invalid(`it has ${name} twice`);
    words.set(name, value);
  }
  return words;
}

function prefixOf(pathname: string): string {
  const segments = pathname.replace(/^\//, '').replace(/\/$/, '').split('/');
  if (segments.length === 1 && segments[0] === '') return '';
  const isGood = segments.every((each) => segmentForm.test(each) && each !== '.' && each !== '..');
  if (isGood && segments.length <= 8) return `${segments.join('/')}/`;
  throw invalid('its prefix is not up to 8 names of letters, digits, dots, dashes and underscores');
}

function endpointOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw invalid('its endpoint is not a URL with http:// or https://');
  if (url.username !== '' || url.password !== '')
    throw invalid('its endpoint has a user or a password', secretHint);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw invalid('its endpoint has more than a host and a port');
  return url.origin;
}

function cacheOf(text: string | undefined): number {
  if (text === undefined) return defaultCacheBytes;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw invalid(`its cache is not a size like ${formatSize(defaultCacheBytes)}`);
}

const form = 'write s3://BUCKET/PREFIX?endpoint=URL&region=NAME&cache=SIZE';
const secretHint = `${form}, and give credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;

function invalid(what: string, hint = form) {
  return blobFault('BLOBS_URL_INVALID', `the URL of the blobs is refused: ${what}`, { hint });
}
