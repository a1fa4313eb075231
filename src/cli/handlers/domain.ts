/** `ward domain create`, `verify`, `get`, `list`, `delete`. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { textOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';

const root = '/ward/v1';

export const create: Handler = async (input, context) => {
  const name = input.required(0);
  const [inPackage, api] = [input.text('package'), input.text('api')];
  if ((inPackage === undefined) === (api === undefined))
    throw cliFault('USAGE', 'say what the domain serves: --package or --api', {
      hint: `ward domain create ${name} --package PACKAGE`,
    });
  const client = await context.client();
  const path = ['domains', name];
  const body = inPackage === undefined ? { api } : { package: inPackage };
  const domain = await client.sendForObject({ method: 'PUT', root, path, body });
  const isProved = domain['isProved'] === true;
  context.io.ok(
    isProved
      ? `${textOf(domain['name'])} serves ${servedBy(domain)}`
      : `claimed ${textOf(domain['name'])}; create the TXT record, then: ward domain verify ${name}`,
  );
  return show(domain, context);
};

export const verify: Handler = async (input, context) => {
  const client = await context.client();
  const path = ['domains', input.required(0), 'verify'];
  const domain = await client.sendForObject({ method: 'POST', root, path, body: {} });
  context.io.ok(`${textOf(domain['name'])} is proved, and serves ${servedBy(domain)}`);
  return show(domain, context);
};

export const get: Handler = async (input, context) => {
  const client = await context.client();
  const path = ['domains', input.required(0)];
  return show(await client.sendForObject({ method: 'GET', root, path }), context);
};

export const list: Handler = async (_input, context) => {
  const client = await context.client();
  await context.io.list({
    items: await client.sendForList({ method: 'GET', root, path: ['domains'] }),
    columns: [
      { title: 'domain', cell: (domain) => textOf(domain['name']), isWhole: true },
      { title: 'serves', cell: servedBy },
      { title: 'proved', cell: provedText },
      { title: 'certificate until', cell: (domain) => timeText(certificateOf(domain)['until']) },
      { title: 'issuer', cell: (domain) => textOf(certificateOf(domain)['issuer']), isWide: true },
      { title: 'last failure', cell: failureText, isWide: true },
      { title: 'next try', cell: (domain) => timeText(certificateOf(domain)['nextTryAt']), isWide: true },
      { title: 'claimed', cell: (domain) => timeText(domain['createdAt']), isWide: true },
    ],
    name: (domain) => textOf(domain['name']),
  });
  return 0;
};

export const remove: Handler = async (input, context) => {
  const name = input.required(0);
  const client = await context.client();
  await client.send({ method: 'DELETE', root, path: ['domains', name] });
  context.io.ok(`deleted domain ${name}`);
  return 0;
};

async function show(domain: JsonObject, { io }: Pick<Context, 'io'>): Promise<number> {
  const challenge = isJsonObject(domain['challenge']) ? domain['challenge'] : {};
  await io.record({
    fields: [
      ['domain', textOf(domain['name'])],
      ['serves', servedBy(domain)],
      ['proved', provedText(domain)],
      ['TXT record', textOf(challenge['name'])],
      ['its text', textOf(challenge['value'])],
      ...(isJsonObject(domain['certificate']) ? certificateFields(domain) : []),
    ],
    name: textOf(domain['name']),
    data: domain,
  });
  return 0;
}

function servedBy({ package: inPackage, api }: JsonObject): string {
  return inPackage === undefined ? `API ${textOf(api)}` : `package ${textOf(inPackage)}`;
}

function certificateFields(domain: JsonObject): readonly (readonly [string, string])[] {
  const { issuer, until, nextTryAt } = certificateOf(domain);
  return [
    ['certificate until', timeText(until) || 'none yet'],
    ['issuer', textOf(issuer)],
    ['last failure', failureText(domain)],
    ['next try', timeText(nextTryAt)],
  ];
}

function certificateOf({ certificate }: JsonObject): JsonObject {
  return isJsonObject(certificate) ? certificate : {};
}

/** Says why the last attempt to get a certificate failed, or why Ward tries none. */
function failureText(domain: JsonObject): string {
  const { triedAt, failures, error } = certificateOf(domain);
  if (failures === 0) return textOf(error);
  return textOf(error) && `${timeText(triedAt)}: ${textOf(error)} (${textOf(failures)} times)`;
}

function provedText({ isProved, provedAt }: JsonObject): string {
  return isProved === true ? timeText(provedAt) : 'no';
}
