import { describe, expect, it } from 'vitest';
import { shareWork } from './shared-work.ts';

const never = new AbortController().signal;

describe('shared work', () => {
  it('runs once for all concurrent callers', async () => {
    const { run } = shareWork<number>();
    let begun = 0;
    const work = async () => ++begun;
    expect(await Promise.all([run('a', never, work), run('a', never, work), run('b', never, work)])).toEqual([
      1, 1, 2,
    ]);
    expect(await run('a', never, work)).toBe(3);
  });

  it('continues while a caller waits, and is aborted with the last', async () => {
    const { run } = shareWork<never>();
    const first = new AbortController();
    const second = new AbortController();
    let given: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      given = signal;
      return new Promise<never>(() => undefined);
    };
    const both = [run('a', first.signal, work), run('a', second.signal, work)];
    first.abort(new Error('one'));
    await expect(both[0]).rejects.toThrow('one');
    expect(given?.aborted).toBe(false);
    second.abort(new Error('two'));
    await expect(both[1]).rejects.toThrow('two');
    expect(given?.aborted).toBe(true);
  });

  it('fails for all waiting callers, and starts again for the next', async () => {
    const { run } = shareWork<string>();
    const failing = async () => Promise.reject(new Error('no'));
    const both = await Promise.allSettled([run('a', never, failing), run('a', never, failing)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await run('a', never, async () => 'yes')).toBe('yes');
  });

  it('that is aborted while it starts is aborted', async () => {
    const { run } = shareWork<never>();
    const controller = new AbortController();
    const work = () => {
      controller.abort(new Error('enough'));
      return new Promise<never>(() => undefined);
    };
    await expect(run('a', controller.signal, work)).rejects.toThrow('enough');
  });
});
