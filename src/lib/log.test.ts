import { expect, test } from 'vitest';
import { runCommand } from './command.ts';

/** The output of a log for these fields, from a separate process, since a log writes to stderr. */
async function logged(fields: string): Promise<string> {
  const program = `
    import { createLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};
    import { Fault } from ${JSON.stringify(new URL('fault.ts', import.meta.url).href)};
    createLog('info').info(${fields}, 'said');`;
  const { code, stderr } = await runCommand([process.execPath, '--input-type=module', '--eval', program]);
  expect({ code, lines: stderr.split('\n').length }).toEqual({ code: 0, lines: 2 });
  return stderr;
}

test('a log on a full disk does not end the process, and its memory is bounded', async () => {
  const program = `
    import { createLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};
    const log = createLog('info');
    for (let round = 0; round < 40; round++) {
      for (let n = 0; n < 1000; n++) log.info({ text: 'x'.repeat(1000) }, 'said');
      await new Promise(setImmediate);
    }
    process.stdout.write(String(process.memoryUsage().rss < 250 * 1024 * 1024));`;
  const argv = [process.execPath, '--input-type=module', '--eval', program];
  const { code, stdout } = await runCommand(['sh', '-c', 'exec "$@" 2>/dev/full', 'sh', ...argv]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'true' });
});

test('logs the code of a fault', async () => {
  const line = JSON.parse(await logged(`{ code: 'A', err: new Fault('B', 'bug', 'text') }`));
  expect(line).toMatchObject({ level: 'info', msg: 'said', code: 'A', err: { code: 'B', kind: 'bug' } });
});

test.each([
  `{ key: 'hidden', a: { token: 'hidden', b: { password: 'hidden' } } }`,
  `{ parameters: [{ key: 'x', value: 'hidden' }], authorization: 'hidden' }`,
  `{ exec: { kind: 'x', code: 'hidden' } }`,
  `{ body: { exec: { code: 'hidden' } } }`,
  `{ request: { body: { exec: { code: 'hidden' } } } }`,
])('does not log secrets: %s', async (fields) => {
  const line = await logged(fields);
  expect(line).toContain('[redacted]');
  expect(line).not.toContain('hidden');
});
