/** What surrounds each page: the rail, the bar, and the palette. */

import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../../../answers/index.ts';
import { refusal } from '../api/live.ts';
import { CommandLine } from '../components/command-line.tsx';
import { Confirm } from '../components/confirm.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Bar } from './bar.tsx';
import type { PageProps } from './pages.ts';
import { findPage, type PageSpec, pages } from './pages.ts';
import { Palette } from './palette.tsx';
import { Rail } from './rail.tsx';
import { goTo, linkTo, place } from './router.ts';
import { isAskedToLogOut, logOutNow, may } from './session.ts';
import { SessionEnd } from './session-end.tsx';

export function Shell({ session }: { readonly session: Session }) {
  const [isOpen, setOpen] = useState(false);
  const { parts } = place.value;
  const first = pages.find((page) => page.group !== undefined && may(page.needs));
  useEffect(() => {
    if (parts.length === 0 && first !== undefined) goTo(linkTo([first.path]), 'replace');
    setOpen(false);
  }, [parts, first]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Bar session={session} isMenuOpen={isOpen} onMenu={() => setOpen(!isOpen)} />
      <Rail isOpen={isOpen} />
      <main class="page" id="main" tabIndex={-1}>
        <SessionEnd />
        <NotLive />
        <CurrentPage />
      </main>
      <Palette />
      {isAskedToLogOut.value && <AskToLogOut />}
    </div>
  );
}

function AskToLogOut() {
  const close = () => {
    isAskedToLogOut.value = false;
  };
  // A session that ends by itself answers it.
  useEffect(() => close, []);
  return (
    <Confirm title="Log out with unsaved text?" action="Log out" run={() => logOutNow()} onClose={close}>
      <p>This tab has text that is not saved. A logout throws it away.</p>
    </Confirm>
  );
}

/** Says why the page does not follow what happens, as long as Ward refuses its stream. */
function NotLive() {
  const error = refusal.value;
  if (error === undefined) return null;
  return (
    <section class="stack" aria-label="Not live">
      <ErrorNote error={error} />
      <p class="quiet">The page does not follow what happens now. It tries again by itself.</p>
    </section>
  );
}

function CurrentPage() {
  const { parts, query } = place.value;
  const found = findPage(parts);
  if (parts.length === 0) return null;
  if (found === undefined || !may(found.page.needs)) return <NoSuchPage />;
  return <LoadedPage key={found.page.path} page={found.page} path={found.path} query={query} />;
}

function NoSuchPage() {
  useEffect(() => {
    document.title = 'No such page · Ward';
  }, []);
  return (
    <>
      <PageHead
        title="No such page"
        about="This address leads nowhere, or to something that your login may not see."
      />
      <CommandLine text="ward --help" />
    </>
  );
}

function LoadedPage({ page, ...props }: PageProps & { readonly page: PageSpec }) {
  const [content, setContent] = useState<{ readonly Page: ComponentType<PageProps> }>();
  const [error, setError] = useState<unknown>();
  const isFirst = useRef(true);
  const load = () => {
    setError(undefined);
    page.load().then((Page) => setContent({ Page }), setError);
  };
  useEffect(load, [page]);
  const name = Object.values(props.path).join('/');
  useEffect(() => {
    document.title = `${name === '' ? page.title : `${name} · ${page.title}`} · Ward`;
    // A screen reader goes on at the new page.
    if (!isFirst.current) document.getElementById('main')?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [page, name]);
  if (error !== undefined) return <ErrorNote error={error} onRetry={load} />;
  return content === undefined ? null : <content.Page {...props} />;
}
