import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasPython, ok, pythonText as text } from './test-runner.ts';

describe.skipIf(!hasPython)('the environment of Python code (needs /usr/bin/python3.13)', () => {
  it('is set before the code is loaded and for each activation', async () => {
    const code =
      'import os\nat_load = os.environ["A"]\ndef main(names): return [at_load] + [os.environ[n] for n in names]';
    const env = { A: '1', B: 7, C: true, D: false, E: null, F: { a: [1] }, G: 0 };
    await using runner = text(code, { env });
    await runner.init();
    expect(await runner.run(Object.keys(env))).toEqual(ok(['1', '1', '7', 'true', '', '', '{"a":[1]}', '']));
    expect(await runner.run(['A'], { A: '2' })).toEqual(ok(['1', '2']));
  });

  it('has the variables of the run in every view', async () => {
    await using runner = text(
      `import os, pickle
from os import environ
def main(args):
  views = [dict(os.environ), os.environ.copy(), pickle.loads(pickle.dumps(dict(environ))), os.environ | {}]
  views += [{name: os.environ[name] for name in environ}, {'ID': os.getenv('ID')}, {'ID': os.environb[b'ID'].decode()}]
  return {'ids': [view['ID'] for view in views], 'has': 'ID' in environ, 'type': str(type(os.environ))}`,
      { env: { ID: 'init' } },
    );
    await runner.init();
    for (const id of ['a', 'b'])
      expect(await runner.run({}, { ID: id })).toEqual(
        ok({ ids: Array(7).fill(id), has: true, type: "<class 'os._Environ'>" }),
      );
  });

  it.each([
    ['subprocess', "subprocess.check_output(['/bin/sh', '-c', TELL])"],
    ['subprocess without closed files', "subprocess.check_output(['/bin/sh', '-c', TELL], close_fds=False)"],
    ['popen', 'os.popen(TELL).read().encode()'],
    ['system', "read(lambda fd: os.system(f'{TELL} >&{fd}'))"],
    ['execv', "read(lambda fd: forked(lambda: os.execl('/bin/sh', 'sh', '-c', f'{TELL} >&{fd}')))"],
    ['execvp', "read(lambda fd: forked(lambda: os.execlp('sh', 'sh', '-c', f'{TELL} >&{fd}')))"],
    ['spawnv', "read(lambda fd: os.spawnv(os.P_WAIT, '/bin/sh', ['sh', '-c', f'{TELL} >&{fd}']))"],
    [
      'posix_spawn',
      "read(lambda fd: spawned(os.posix_spawn('/bin/sh', ['sh', '-c', f'{TELL} >&{fd}'], None)))",
    ],
    ['posix_spawnp', "read(lambda fd: spawned(os.posix_spawnp('sh', ['sh', '-c', f'{TELL} >&{fd}'], None)))"],
    ['multiprocessing by fork', "in_pool('fork')"],
    ['multiprocessing by spawn', "in_pool('spawn')"],
  ])('goes to another process, by %s', async (_, ask) => {
    await using runner = text(
      `import multiprocessing, os, subprocess
TELL = 'echo $ID'
def spawned(pid): os.waitpid(pid, 0)
def forked(become):
  if (pid := os.fork()) == 0: become()
  spawned(pid)
def read(start):
  out, into = os.pipe()
  os.set_inheritable(into, True)
  start(into)
  os.close(into)
  with open(out, 'rb') as file: return file.read()
def in_pool(method):
  with multiprocessing.get_context(method).Pool(1) as pool: return pool.apply(os.getenv, ['ID']).encode()
def main(args):
  if args: exec(args['change'])
  return {'id': (${ask}).decode().strip()}`,
      { env: { ID: 'init' } },
    );
    await runner.init();
    for (const id of ['a', 'b']) expect(await runner.run({}, { ID: id })).toEqual(ok({ id }));
    const change = "os.environ['ID'] = 'mine'";
    expect(await runner.run({ change }, { ID: 'c' })).toEqual(ok({ id: 'mine' }));
  });

  it('stays as the code changed it until the next run', async () => {
    await using runner = text(
      `import os, subprocess
def main(args):
  exec(args['change'])
  return {'here': os.getenv('ID', ''), 'there': subprocess.check_output(['/bin/sh', '-c', 'echo $ID']).decode().strip()}`,
      { env: { ID: 'init' } },
    );
    await runner.init();
    const seen = async (change: string) => (await runner.run({ change }, { ID: 'run' }))?.['value'];
    const unset = { here: '', there: '' };
    for (const change of ['del os.environ["ID"]', 'os.environ.clear()', 'os.environ.pop("ID")']) {
      expect(await seen(change)).toEqual(unset);
      expect(await seen('')).toEqual({ here: 'run', there: 'run' });
    }
  });

  it('is new in the C library only once the code starts a program, and never an earlier one', async () => {
    // `tzset` asks the C library.
    await using runner = text(
      `import os, time
def main(args):
  if args['starts']: os.system(':')
  time.tzset()
  return {'hours': -time.timezone // 3600}`,
      { env: { TZ: 'XXX-1' } },
    );
    await runner.init();
    const hours = async (starts: boolean, TZ: string) => (await runner.run({ starts }, { TZ }))?.['value'];
    expect(await hours(false, 'XXX-1')).toEqual({ hours: 1 });
    expect(await hours(false, 'XXX-2')).toEqual({ hours: 0 });
    expect(await hours(true, 'XXX-3')).toEqual({ hours: 3 });
    expect(await hours(false, 'XXX-3')).toEqual({ hours: 3 });
    expect(await hours(false, 'XXX-4')).toEqual({ hours: 0 });
  });

  it('can be replaced by the code', async () => {
    await using runner = text(
      `import os
os.environ = {**os.environ, 'MORE': '1'}
def main(args): return {'id': os.environ['ID'], 'more': os.environ['MORE']}`,
    );
    await runner.init();
    for (const id of ['a', 'b']) expect(await runner.run({}, { ID: id })).toEqual(ok({ id, more: '1' }));
  });

  it('takes no more memory with each run', async () => {
    await using runner = text('import os\ndef main(args): return {"letters": len(os.environ["LONG"])}');
    await runner.init();
    const runs = async (from: number, to: number) => {
      for (let at = from; at < to; at++)
        expect(await runner.run({}, { LONG: `${at}`.padEnd(20_000, '.') })).toEqual(ok({ letters: 20_000 }));
      const pages = Number(readFileSync(`/proc/${runner.pid}/statm`, 'utf8').split(' ')[1]);
      return (pages * 4096) / 1e6;
    };
    const before = await runs(0, 100);
    // The values of these have 20 MB together.
    expect((await runs(100, 1100)) - before).toBeLessThan(5);
  });
});
