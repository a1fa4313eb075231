import { describe, expect, it } from 'vitest';
import { mustRun, runCommand } from './command.ts';

const node = (script: string) => [process.execPath, '-e', script];

describe('commands', () => {
  it('return code, stdout and stderr separately', async () => {
    const result = await runCommand(node('console.log("out"); console.error("err"); process.exitCode = 3'));
    expect(result).toEqual({ code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
  });

  it('get input, and succeed even if the program does not read it', async () => {
    expect((await runCommand(['/bin/cat'], { input: 'text' })).stdout).toBe('text');
    expect((await runCommand(['/bin/true'], { input: 'x'.repeat(1_000_000) })).code).toBe(0);
  });

  it('keep a limited amount of output', async () => {
    const { stdout } = await runCommand(node('process.stdout.write("x".repeat(100000))'), {
      maxOutputBytes: 10,
    });
    expect(stdout).toBe('x'.repeat(10));
  });

  it('end at their time-out and when they are aborted', async () => {
    const forever = node('setInterval(() => {}, 1000)');
    expect(await runCommand(forever, { timeoutMs: 20 })).toMatchObject({ code: null, signal: 'SIGKILL' });
    const controller = new AbortController();
    const running = runCommand(forever, { signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ signal: 'SIGKILL' });
  });

  it('include the output of a failed program, and name a missing one', async () => {
    await expect(mustRun(node('console.error("broken"); process.exit(2)'))).rejects.toThrow(/exit 2: broken/);
    await expect(mustRun(['/nonexistent/program'])).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });
});
