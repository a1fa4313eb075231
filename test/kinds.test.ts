/** OpenWhisk's current and former kinds, on real sandboxes: which kind runs them, what their code finds, and errors. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, outcomeOf } from './outcome.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({ kindAliases: { 'nodejs:18': 'nodejs:24', 'python:3.8': null } });
});
afterAll(() => ward?.[Symbol.asyncDispose]());

// Packages that OpenWhisk's images promise. Each is used, not only found.
const node = `
  const express = require('express'), bodyParser = require('body-parser'), redis = require('redis');
  const { v4, validate } = require('uuid');
  const { serializeError } = require('serialize-error');
  exports.main = async () => {
    const app = express().use(bodyParser.json()).post('/', (request, reply) => reply.json(request.body));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const reply = await fetch('http://127.0.0.1:' + server.address().port, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"echo":1}',
    });
    const { echo } = await reply.json();
    server.close();
    return {
      echo,
      uuid: validate(v4()),
      error: serializeError(new TypeError('said')).message,
      redis: typeof redis.createClient().connect,
      openwhisk: typeof require('openwhisk')({ apihost: 'http://127.0.0.1', api_key: 'a:b' }).actions.invoke,
      version: process.version.split('.')[0],
      old: typeof require('util').isArray,
    };
  };
`;
const python = `
import bs4, dateutil.parser, httplib2, kafka, lxml.etree, netifaces, requests, scrapy, setuptools
import simplejson, twisted.internet.defer, twisted.internet.reactor, twisted.web.client, virtualenv
import scrapy.crawler, scrapy.selector, kafka.producer, requests.adapters

def main(args):
    spider = scrapy.selector.Selector(text='<p class="a">by css</p>')
    deferred = twisted.internet.defer.succeed('deferred')
    said = []
    deferred.addCallback(said.append)
    return {
        'soup': bs4.BeautifulSoup('<a href="x">link</a>', 'lxml').a['href'],
        'date': dateutil.parser.parse('2024-02-29T12:00Z').day,
        'xslt': str(lxml.etree.XSLT(lxml.etree.XML(
            '<s:stylesheet version="1.0" xmlns:s="http://www.w3.org/1999/XSL/Transform">'
            '<s:output method="text"/><s:template match="/"><s:value-of select="a"/></s:template></s:stylesheet>'
        ))(lxml.etree.XML('<a>styled</a>'))),
        'json': simplejson.loads('[1]'),
        'css': spider.css('p.a::text').get(),
        'twisted': said,
        'requests': requests.Request('GET', 'http://h/', params={'a': 1}).prepare().url,
        'http': isinstance(httplib2.Http().timeout, type(None)),
        'kafka': kafka.producer.KafkaProducer.__name__,
        'interfaces': netifaces.interfaces(),
        'tools': [setuptools.__name__, virtualenv.__name__],
    }
`;

describe.skipIf(missing !== undefined)(`kinds of other versions${missing ? ` (${missing})` : ''}`, () => {
  it('nodejs:14 finds what OpenWhisk’s Node.js images have', async () => {
    expect((await outcomeOf(ward, { kind: 'nodejs:14', code: node })).result).toEqual({
      echo: 1,
      uuid: true,
      error: 'said',
      redis: 'function',
      openwhisk: 'function',
      version: 'v22',
      old: 'function',
    });
  });

  it('python:3.9 finds what OpenWhisk’s Python images have', async () => {
    const source = { kind: 'python:3.9', code: python, limits: { memory: 256 } };
    const { result, stderr } = await outcomeOf(ward, source);
    expect({ result, stderr }).toEqual({
      result: {
        soup: 'x',
        date: 29,
        xslt: 'styled',
        json: [1],
        css: 'by css',
        twisted: ['deferred'],
        requests: 'http://h/?a=1',
        http: true,
        kafka: 'KafkaProducer',
        interfaces: ['lo'],
        tools: ['setuptools', 'virtualenv'],
      },
      stderr: '',
    });
  });

  it('prefer a package in the code to that of the image', async () => {
    const code = {
      '__main__.py': 'import requests\ndef main(args): return {"version": requests.__version__}',
      'virtualenv/lib/python3.9/site-packages/requests.py': '__version__ = "own"',
    };
    expect((await outcomeOf(ward, { kind: 'python:3.9', code })).result).toEqual({ version: 'own' });
    const archive = {
      'index.js': 'exports.main = () => ({ version: require("uuid").version })',
      'package.json': '{}',
      'node_modules/uuid/package.json': '{"name":"uuid","version":"0.0.1"}',
      'node_modules/uuid/index.js': 'exports.version = "own"',
    };
    expect((await outcomeOf(ward, { kind: 'nodejs:16', code: archive })).result).toEqual({ version: 'own' });
  });

  it.each([
    [
      'php:7.4',
      '<?php function main(array $args) { return ["version" => PHP_MAJOR_VERSION]; }',
      { version: 8 },
    ],
    // On the images of nodejs:14 and python:3.9: each has a package that this platform's own images lack.
    [
      'nodejs:20',
      'exports.main = () => ({ express: typeof require("express"), version: process.version.split(".")[0] })',
      { express: 'function', version: 'v22' },
    ],
    [
      'python:3',
      'import simplejson\ndef main(args): return {"json": simplejson.loads("[1]")}',
      { json: [1] },
    ],
    ['ruby:2.5', 'def main(args) { "version" => RUBY_VERSION[0, 3] } end', { version: '3.3' }],
  ])('%s runs', async (kind, code, result) => {
    expect((await outcomeOf(ward, { kind, code })).result).toEqual(result);
  });

  it('add nothing to this platform’s own kinds', async () => {
    const code = 'def main(args):\n  import requests';
    expect((await outcomeOf(ward, { kind: 'python:3.13', code })).result).toEqual({
      error: expect.stringContaining("No module named 'requests'"),
    });
    const script = 'exports.main = () => require("express")';
    expect((await outcomeOf(ward, { kind: 'nodejs:24', code: script })).result).toEqual({
      error: expect.stringContaining("Cannot find module 'express'"),
    });
  });

  it('keep the requested kind, and say which kind runs it', async () => {
    const name = await create(ward, { kind: 'nodejs:14', code: 'exports.main = () => ({ ok: true })' });
    const path = `/api/v1/namespaces/_/actions/${name}`;
    const exec = { kind: 'nodejs:14', deprecated: true, runsAs: 'nodejs:22-openwhisk' };
    const { body } = await ward.request('GET', path);
    expect(body).toMatchObject({
      exec,
      annotations: expect.arrayContaining([{ key: 'exec', value: 'nodejs:14' }]),
    });
    // Writes back what it read, as tools do.
    const again = await ward.request('PUT', `${path}?overwrite=true`, { body });
    expect(again).toMatchObject({ status: 200, body: { exec } });
    const { headers } = await ward.invoke(name, {});
    const record = await ward.activation(headers.get('x-openwhisk-activation-id') ?? '');
    expect(record.annotations).toContainEqual({ key: 'kind', value: 'nodejs:14' });
    const said = await ward.cli(['action', 'update', name, '--kind', 'nodejs:14', 'examples/hello.js']);
    expect(said).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nodejs:14 runs as nodejs:22-openwhisk'),
    });
  });

  it('can be changed by the operator', async () => {
    const code = 'exports.main = () => ({ version: process.version.split(".")[0] })';
    expect((await outcomeOf(ward, { kind: 'nodejs:18', code })).result).toEqual({ version: 'v24' });
    const refused = await ward.deploy('taken-out', 'def main(args): return {}', { kind: 'python:3.8' });
    expect(refused).toMatchObject({
      status: 400,
      body: {
        error: expect.stringContaining(
          "The specified runtime 'python:3.8' is not supported by this platform.",
        ),
      },
    });
  });

  it.each([
    ['python:2', 'There is no Python 2'],
    ['swift:5.3', 'Compile the program'],
    ['dotnet:6.0', 'Compile the program'],
    ['node:20', 'Did you mean nodejs:default?'],
    ['cobol:1', undefined],
  ])('refuses %s, and lists the valid kinds', async (kind, said) => {
    const { status, body } = await ward.deploy('refused', 'x', { kind });
    expect(status).toBe(400);
    expect(body.error).toContain(
      `The specified runtime '${kind}' is not supported by this platform. Valid values are: 'nodejs:24', 'nodejs:default'`,
    );
    for (const there of ['nodejs:14', 'python:3.13-openwhisk']) expect(body.error).toContain(`'${there}'`);
    expect(body.hint).toEqual(said && expect.stringContaining(said));
  });

  it('run on images that are scanned like any other, and denied for their content', async () => {
    const severity = [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }];
    const advisory = (id: string, ecosystem: string, name: string) => ({
      ...{ id, modified: '2026-11-01T00:00:00Z', severity },
      affected: [
        {
          package: { ecosystem, name },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '99' }] }],
        },
      ],
    });
    const advisories = [
      advisory('TEST-1', 'npm', '@redis/client'),
      advisory('TEST-2', 'Debian:13', 'twisted'),
    ];
    const file = join(ward.dataDir, 'osv.ndjson');
    await writeFile(file, advisories.map((each) => `${JSON.stringify(each)}\n`).join(''));
    const options = ['--data', ward.dataDir];
    expect(await ward.cli(['advisories', 'import', file, ...options])).toMatchObject({ code: 0 });
    const scan = (image: string) => ward.cli(['image', 'scan', image, ...options]);

    expect(await scan('nodejs:22')).toMatchObject({ code: 0, stdout: expect.stringContaining('\nallowed') });
    for (const [image, name] of [
      ['nodejs:22-openwhisk', '@redis/client'],
      ['python:3.13-openwhisk', 'python3-twisted'],
    ] as const) {
      const { code, stdout } = await scan(image);
      expect(code, image).toBe(1);
      expect(stdout).toMatch(new RegExp(`${name} .*critical`));
      expect(stdout).toContain('\ndenied: ');
    }
  });

  it('are listed with the kind that runs them, and as supported', async () => {
    const { body } = await ward.request('GET', '/');
    const { nodejs, python } = body.runtimes;
    expect(nodejs).toContainEqual({
      kind: 'nodejs:14',
      image: 'nodejs:22-openwhisk',
      default: false,
      deprecated: false,
      attached: true,
      requireMain: false,
      runsAs: 'nodejs:22-openwhisk',
    });
    expect(nodejs.filter((each: { default: boolean }) => each.default)).toMatchObject([
      { kind: 'nodejs:24' },
    ]);
    expect(python.map(({ kind }: { kind: string }) => kind)).not.toContain('python:3.8');
  });
});

describe.skipIf(missing !== undefined)('kinds of other versions that were switched off', () => {
  it('are refused, and calls of deployed actions say so', async () => {
    const name = await create(ward, { kind: 'nodejs:12', code: 'exports.main = () => ({})' });
    await ward.stop();
    ward = await Ward.start({ kindAliases: false }, ward.dataDir);
    const path = `/api/v1/namespaces/_/actions/${name}`;
    expect(await ward.request('POST', `${path}?blocking=true`, { body: {} })).toMatchObject({
      status: 400,
      body: {
        error:
          "The 'nodejs:12' runtime is no longer supported. You may read and delete but not update or invoke this action.",
      },
    });
    const again = await ward.deploy(name, 'exports.main = () => ({})', { kind: 'nodejs:12' });
    expect(again).toMatchObject({ status: 400, body: { error: expect.not.stringContaining("'nodejs:14'") } });
    expect(await ward.request('GET', path)).toMatchObject({
      status: 200,
      body: { exec: { kind: 'nodejs:12' } },
    });
    expect((await ward.request('GET', '/')).body.runtimes.nodejs).toHaveLength(3);
    expect(await ward.request('DELETE', path)).toMatchObject({ status: 200 });
  });
});
