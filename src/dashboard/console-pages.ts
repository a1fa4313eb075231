/**
 * `/console/`: the built files of the web application. They are listed once, at the start, so a request can name
 * nothing else. All other paths are pages of the application, which its script tells apart. All references are relative, because
 * a proxy can have all this below a prefix.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { relativeUrl } from '../lib/index.ts';
import { type BuiltFile, listBuiltFiles } from './built-files.ts';

const root = '/console/';
const entry = 'index.html';
const access = { config: { access: 'anyone' } } as const;

/** The page runs Ward's own script, and speaks with nothing but Ward. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Browsers heed them only for documents. */
const documentHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};
const safeHeaders = {
  ...documentHeaders,
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
};
/** No browser makes a document of these. */
const codeTypes = /^text\/(?:javascript|css)\b/;

const unbuilt = `The console is not built.

Build it where Ward is installed, then start Ward again:

  node scripts/setup.mjs

To run Ward without it: ward up --no-console
`;

/** @param folder what the set-up built; it can be missing */
export function consolePages(folder: string): (app: FastifyInstance) => void {
  const files = listBuiltFiles(folder);
  const page = files.get(entry);
  const html = page === undefined ? '' : readFileSync(page.path, 'utf8');
  return (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(safeHeaders);
      done();
    });
    app.get(root.slice(0, -1), access, ({ url }, reply) => reply.redirect(relativeUrl(url, root)));
    app.get(`${root}*`, access, (request, reply) => {
      const name = nameOf(request);
      const file = files.get(name) ?? (isFileName(name) ? undefined : page);
      if (page === undefined) return sendText(reply, 503, unbuilt);
      if (file === undefined) return sendText(reply, 404, 'There is no such file.\n');
      return file === page ? sendPage(request, reply, page, html) : send(request, reply, file);
    });
  };
}

/** Pages below others can have names in their address, also with a dot: `functions/v1.2/hello.js`. */
function isFileName(name: string): boolean {
  return name.startsWith('assets/') || (name.includes('.') && !/^[a-z-]+(\/[^/]+){1,2}$/.test(name));
}

function nameOf({ url }: FastifyRequest): string {
  return url.slice(root.length).replace(/[?#].*$/s, '');
}

/** @param html with references as from the root of the console */
function sendPage(request: FastifyRequest, reply: FastifyReply, page: BuiltFile, html: string): FastifyReply {
  if (hasItAlready(request, reply, page)) return reply;
  const assets = relativeUrl(request.url, `${root}assets/`);
  const text = html.replaceAll('"./assets/', `"${assets}`);
  return takesGzip(request)
    ? reply.header('content-encoding', 'gzip').send(gzipSync(text))
    : reply.send(text);
}

function send(request: FastifyRequest, reply: FastifyReply, file: BuiltFile): FastifyReply {
  if (codeTypes.test(file.type)) for (const name of Object.keys(documentHeaders)) reply.removeHeader(name);
  if (hasItAlready(request, reply, file)) return reply;
  const { zipped } = file;
  const isZipped = zipped !== undefined && takesGzip(request);
  if (isZipped) reply.header('content-encoding', 'gzip');
  const { path, bytes } = isZipped ? zipped : file;
  return reply.header('content-length', bytes).send(createReadStream(path));
}

function takesGzip({ headers }: FastifyRequest): boolean {
  return /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
}

/** Answers a browser that has the file. */
function hasItAlready({ headers }: FastifyRequest, reply: FastifyReply, file: BuiltFile): boolean {
  reply
    .header('content-type', file.type)
    .header('cache-control', file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('vary', 'accept-encoding')
    .header('etag', file.etag);
  if (headers['if-none-match'] !== file.etag) return false;
  reply.code(304).send();
  return true;
}

function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(text);
}
