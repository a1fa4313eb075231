/**
 * Reads installed Ruby gems. RubyGems writes a line `# stub: NAME VERSION PLATFORM PATHS` for readers like this one. Old
 * specifications are Ruby without that line. Source: RubyGems, Gem::StubSpecification.
 */
import { author } from './authors.ts';
import { orUndefined } from './hashes.ts';
import { mostNeeds } from './needs.ts';
import { named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

const specification = /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/;

export const gemCataloger: Cataloger = {
  name: 'gem',
  revision: 2,
  wants: ({ path }, base) => base.endsWith('.gemspec') && specification.test(path),
  wantsInside: ({ path }) => specification.test(path),
  read: ({ content }) => {
    const text = content.toString('utf8');
    const stub = /^# stub: (\S+) (\S+) /m.exec(text);
    const name = named(stub?.[1] ?? /\.name\s*=\s*["']([^"'\n]+)["']/.exec(text)?.[1]);
    const version = named(
      stub?.[2] ?? /\.version\s*=\s*(?:Gem::Version\.new\(\s*)?["']([^"'\n]+)["']/.exec(text)?.[1],
    );
    if (name === undefined || version === undefined) return { gaps: ['it does not name its gem'] };
    return {
      packages: [
        {
          ecosystem: 'gem',
          name,
          version,
          licences: orUndefined(listIn(text, 'licenses?')),
          supplier: author(listIn(text, 'authors?')[0]),
          ...needsOf(text),
        },
      ],
    };
  },
};

/** RubyGems writes each as `s.add_dependency(%q<NAME>.freeze, …)`. Specifications without the stub may use any Ruby. */
function needsOf(text: string): Pick<FoundPackage, 'needs'> {
  if (!text.includes('# stub: ')) return {};
  const found = text.matchAll(/\.add_(?:runtime_)?dependency\(%q<([\w.-]{1,200})>/g);
  return { needs: [...new Set(found.map((match) => match[1] ?? ''))].slice(0, mostNeeds) };
}

/** Reads `s.licenses = ["MIT".freeze]`, or a single `s.license`. */
function listIn(text: string, field: string): string[] {
  const list =
    new RegExp(`\\.${field}\\s*=\\s*(\\[[^\\]\\n]{0,1000}\\]|"[^"\\n]{0,200}")`).exec(text)?.[1] ?? '';
  return [...list.matchAll(/["']([^"']+)["']/g)].flatMap(([, name]) => named(name) ?? []);
}
