/** Links to the pages of one subject, on each of them: those of the registry at an address and right below it. */
import { pages } from './pages.ts';
import { linkTo, place } from './router.ts';
import { may } from './session.ts';

interface PageTabsProps {
  /** Address of the first page. The others begin with it. */
  readonly of: string;
  /** What the pages are about. */
  readonly label: string;
}

export function PageTabs({ of, label }: PageTabsProps) {
  const here = place.value.parts.join('/');
  const shown = pages.filter(
    ({ path, needs }) => (path === of || path.startsWith(`${of}/`)) && !path.includes(':') && may(needs),
  );
  return (
    <nav class="tabs" aria-label={label}>
      {shown.map(({ path, title }) => (
        <a key={path} href={linkTo(path.split('/'))} aria-current={path === here ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}
