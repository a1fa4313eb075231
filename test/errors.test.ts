/** Makes newcomers' mistakes with a whole Ward: every error names its subject and the next step. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployHeld } from './held-action.ts';
import { missingForSandboxes, startWard, Ward } from './ward.ts';

const missing = missingForSandboxes();

describe.skipIf(missing !== undefined)(`errors${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    ward = await Ward.start({ limits: { resultBytes: '2m' } });
    await ward.raiseLimits();
    await ward.deploy('hello', 'function main() { return {}; }');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  it('the operator sets the largest result, and the error names it', async () => {
    await ward.deploy('large', 'const main = ({ bytes }) => ({ x: "x".repeat(bytes) })');
    const within = await ward.invoke('large', { bytes: 2 * 1024 * 1024 - 8 });
    expect(within.body.response).toMatchObject({ success: true, size: 2 * 1024 * 1024 });
    const { body } = await ward.invoke('large', { bytes: 6_000_000 });
    expect(body.response.status).toBe('application error');
    expect(body.response.result.error).toContain('exceeded the allowed length: 6000008 > 2097152 bytes.');
    const info = await ward.request('GET', '/');
    expect(info.body.limits.max_action_result).toBe(2_097_152);
  });

  it('an unknown action, trigger or part of a sequence is named, with the nearest existing name', async () => {
    const invoked = await ward.cli(['action', 'invoke', 'helo', '-r']);
    expect(invoked).toMatchObject({ code: 5, stdout: '' });
    expect(invoked.stderr).toMatch(
      /^error\[NOT_FOUND\]: action helo does not exist\n[\s\S]*did you mean hello\?/,
    );
    const sequence = await ward.cli(['action', 'create', 'both', '--sequence', 'hello,hallo']);
    expect(sequence.code).toBe(2);
    expect(sequence.stderr).toContain('Sequence component does not exist. (/guest/hallo)\n');
    expect(sequence.stderr).toContain('try:   did you mean /guest/hello?\n');
    const rule = await ward.request('PUT', '/api/v1/namespaces/_/rules/any', {
      body: { trigger: '/_/never', action: '/_/hello' },
    });
    expect(rule.body).toEqual({
      error: 'trigger /guest/never does not exist',
      code: expect.any(String),
      missing: '/guest/never',
    });
  });

  it('says what to do about a failure, in the record, at the end of the log, and on the command line', async () => {
    const code = 'async function main() { console.log("begun"); await fetch("https://api.example.com/"); }';
    await ward.deploy('outside', code);
    const { body } = await ward.invoke('outside');
    expect(body.response.result.error).toMatchObject({ message: 'fetch failed' });
    const record = await ward.activation(body.activationId);
    const hint = body.annotations.find(({ key }: { key: string }) => key === 'hint')?.value;
    expect(hint).toMatch(
      /^this function has no egress rules, .*: ward action update outside --egress api\.example\.com \(if the operator allows it\)$/,
    );
    expect(record.logs.at(0)).toContain('stdout: begun');
    expect(record.logs.at(-1).endsWith(` stderr: hint: ${hint}`)).toBe(true);
    const told = await ward.cli(['action', 'invoke', 'outside', '-r']);
    expect(told.code).toBe(8);
    expect(told.stderr.split(hint)).toHaveLength(2);
    expect(told.stderr).toContain(`try:   ${hint}\n`);
  });

  it('says by how much a limit can be raised', async () => {
    await ward.deploy('endless', 'function main() { for (;;); }', { limits: { timeout: 1000 } });
    const { body } = await ward.invoke('endless');
    expect(body.response.result.error).toBe('The action exceeded its time limits of 1000 milliseconds.');
    expect(body.annotations).toContainEqual({
      key: 'hint',
      value: 'raise --timeout (at most 300000 ms): ward action update endless --timeout 2000',
    });
  });

  it('egress that is not allowed is reported as EGRESS_EXCEEDED at deployment', async () => {
    const refused = await ward.cli(['action', 'update', 'hello', '--egress', 'api.example.com']);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(
      /^error\[EGRESS_EXCEEDED\]: egress: tcp api\.example\.com:443 is not allowed\n[\s\S]*try: {3}ask for less, or have the operator name it in `sandbox\.allow\.egress`\n$/,
    );
    expect(refused.stderr).not.toContain('key');
  });

  it('Ctrl-C during a wait for an action says which activation goes on, and how to follow it', async () => {
    const slow = await deployHeld(ward, 'slow');
    const stranger = await ward.createNamespace('stranger');
    const args = ['action', 'invoke', 'slow', '-r', '--verbose', '--apihost', ward.url, '-u', ward.auth];
    const client = startWard(args);
    let said = '';
    client.stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const requestOf = () => /x-request-id: ([0-9a-f]{32})/i.exec(said)?.[1];
    const path = '/ward/v1/namespaces/_/requests';
    let activationId = '';
    await ward.until(async () => {
      const request = requestOf();
      if (request === undefined) return false;
      const { status, body } = await ward.request('GET', `${path}/${request}`);
      activationId = body.activationId;
      return status === 200;
    });
    // No one else gets the activation's id.
    expect((await ward.request('GET', `${path}/${requestOf()}`, { auth: stranger })).status).toBe(404);
    client.kill('SIGINT');
    expect(await once(client, 'exit')).toEqual([130, null]);
    expect(said).toContain(`error[INTERRUPTED]: slow continues, as activation ${activationId}\n`);
    expect(said).toContain(`ward activation logs --follow ${activationId}`);
    await slow.release();
    expect((await ward.activation(activationId)).response.result).toEqual({ done: true });
    expect(await ward.request('GET', `${path}/${requestOf()}`)).toMatchObject({ status: 404 });
  });
});
