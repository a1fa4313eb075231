/**
 * Ruby gems that are installed. RubyGems writes a line `# stub: NAME VERSION PLATFORM PATHS` for readers like this one;
 * specifications of old have none and are Ruby. Source: RubyGems, Gem::StubSpecification.
 */
import { named } from './text.ts';
import type { Cataloger } from './types.ts';

const specification = /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/;

export const gemCataloger: Cataloger = {
  name: 'gem',
  revision: 1,
  wants: ({ path }, base) => base.endsWith('.gemspec') && specification.test(path),
  wantsInside: ({ path }) => specification.test(path),
  read: ({ content }) => {
    const text = content.toString('utf8');
    const stub = /^# stub: (\S+) (\S+) /m.exec(text);
    const name = named(stub?.[1] ?? /\.name\s*=\s*["']([^"'\n]+)["']/.exec(text)?.[1]);
    const version = named(
      stub?.[2] ?? /\.version\s*=\s*(?:Gem::Version\.new\(\s*)?["']([^"'\n]+)["']/.exec(text)?.[1],
    );
    if (name === undefined || version === undefined) return { gaps: ['it does not say which gem it is of'] };
    return { packages: [{ ecosystem: 'gem', name, version }] };
  },
};
