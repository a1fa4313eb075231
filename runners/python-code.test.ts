import { describe, expect, it } from 'vitest';
import { hasPython, logsOf, ok, type RunnerOptions, sentinel, TestRunner } from './test-runner.ts';

type Files = RunnerOptions['files'];

describe.skipIf(!hasPython)('the Python runner (needs /usr/bin/python3.13)', () => {
  const identity = 'def main(args): return args\n';

  describe('loads', () => {
    const cases: [title: string, files: Files, main?: string, binary?: boolean][] = [
      ['text', { '__main__.py': identity }],
      ['text with another name', { '__main__.py': 'über = lambda args: args' }, 'über'],
      ['text with a byte order mark', { '__main__.py': `\uFEFF${identity}` }],
      [
        'text in another encoding',
        { '__main__.py': Buffer.from(`# -*- coding: latin-1 -*-\nx = "é"\n${identity}`, 'latin1') },
      ],
      [
        'text with a script part',
        { '__main__.py': `${identity}if __name__ == "__main__": raise Exception()` },
      ],
      [
        'text with a class that is pickled',
        {
          '__main__.py':
            'import pickle\nclass A: pass\ndef main(args): return pickle.loads(pickle.dumps(A())) and args',
        },
      ],
      ['text that uses exit as a name', { '__main__.py': `assert exit and quit\n${identity}` }],
      ['a zip', { '__main__.py': identity }, 'main', true],
      [
        'a zip with modules',
        { '__main__.py': 'from lib.handler import main', 'lib/__init__.py': '', 'lib/handler.py': identity },
        'main',
        true,
      ],
      ['a zip with a file and a function', { 'handler.py': identity }, 'handler.main', true],
      [
        'a zip with a package, a module and a function',
        { 'app/__init__.py': '', 'app/web.py': identity },
        'app.web.main',
        true,
      ],
      [
        'a zip with a file from its virtualenv',
        { 'virtualenv/lib/python3.13/site-packages/dep.py': identity },
        'dep.main',
        true,
      ],
      [
        'a zip with files',
        {
          '__main__.py': 'import json\ndef main(args): return json.load(open("data.json"))',
          'data.json': '{"name":"World"}',
        },
        'main',
        true,
      ],
      [
        'a zip with executables',
        {
          '__main__.py':
            'import json, subprocess\ndef main(args): return json.loads(subprocess.check_output(["./tool"]))',
          tool: `#!${process.execPath}\nconsole.log('{"name":"World"}')`,
        },
        'main',
        true,
      ],
      [
        'a zip with a virtualenv',
        { '__main__.py': 'from dep import main', 'virtualenv/lib/python3.13/site-packages/dep.py': identity },
        'main',
        true,
      ],
      [
        'a virtualenv before the standard library',
        {
          '__main__.py': 'from colorsys import main',
          'virtualenv/lib/python3.13/site-packages/colorsys.py': identity,
        },
        'main',
        true,
      ],
      [
        'a virtualenv with path files',
        {
          '__main__.py': 'from dep import main',
          'virtualenv/lib/python3.13/site-packages/a.pth': './more\n',
          'virtualenv/lib/python3.13/site-packages/more/dep.py': identity,
        },
        'main',
        true,
      ],
    ];
    it.each(cases)('%s', async (_title, files, main = 'main', binary = false) => {
      await using runner = new TestRunner('python', { files, main, binary });
      expect(await runner.init()).toEqual({ type: 'init-ok' });
      expect(await runner.run({ name: 'World' })).toEqual(ok({ name: 'World' }));
      const line = `${sentinel}\n`.repeat(2);
      expect(await runner.close()).toEqual({ exit: 0, stdout: line, stderr: line });
    });
  });

  it('takes a virtualenv of an older Python 3, and says so', async () => {
    const files = {
      '__main__.py': 'from dep import main',
      'virtualenv/lib/python3.9/site-packages/dep.py': identity,
    };
    await using runner = new TestRunner('python', { files, main: 'main', binary: true });
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    expect(await runner.run({ name: 'World' })).toEqual(ok({ name: 'World' }));
    const { stderr } = await runner.close();
    expect(logsOf(stderr)[0]).toContain('virtualenv is for python3.9, and this is python3.13');
  });

  describe('refuses to load', () => {
    const cases: [title: string, files: Files, error: string, main?: string, binary?: boolean][] = [
      ['a syntax error', { '__main__.py': 'def main(:' }, 'SyntaxError: invalid syntax'],
      ['an exception', { '__main__.py': 'raise ValueError("at load")' }, 'ValueError: at load'],
      ['a missing module', { '__main__.py': 'import nope' }, "ModuleNotFoundError: No module named 'nope'"],
      ['no main', { '__main__.py': '' }, "Action entrypoint 'main' is not a function."],
      [
        'a main that is not a function',
        { '__main__.py': 'main = 1' },
        "Action entrypoint 'main' is not a function.",
      ],
      ['null bytes', { '__main__.py': 'x = 1\0' }, 'SyntaxError: source code'],
      [
        'a zip without an entry',
        { 'app.py': '' },
        'Zip file does not include __main__.py at the root.',
        'main',
        true,
      ],
      [
        'a zip without the named file',
        { 'app.py': '' },
        "ModuleNotFoundError: No module named 'web'",
        'web.main',
        true,
      ],
      [
        'a zip without the named function',
        { 'app.py': '' },
        "Action entrypoint 'app.main' is not a function.",
        'app.main',
        true,
      ],
      [
        'a virtualenv of another version',
        { '__main__.py': identity, 'virtualenv/lib/python2.7/site-packages/a.py': '' },
        'Zip file has a virtualenv for another Python: it does not include virtualenv/lib/python3.13/site-packages.',
        'main',
        true,
      ],
    ];
    it.each(cases)('%s', async (_title, files, error, main = 'main', binary = false) => {
      await using runner = new TestRunner('python', { files, main, binary });
      expect(await runner.init()).toEqual({ type: 'init-error', error: expect.stringContaining(error) });
      const { stdout, stderr } = await runner.close();
      expect(stdout).toBe(`${sentinel}\n`);
      expect(logsOf(stderr)).toEqual([expect.stringContaining(error.slice(0, 20)), '']);
    });
  });
});
