/** The left rail: the pages in three groups. On a narrow screen, a menu. */
import { Live, Who } from './bar.tsx';
import { pages, railGroups } from './pages.ts';
import { linkTo, place } from './router.ts';
import { currentSession, may } from './session.ts';

/** On a narrow screen it also has what the bar has no room for. */
export function Rail({ isOpen }: { readonly isOpen: boolean }) {
  const groups = railGroups
    .map((group) => ({ group, shown: pages.filter((page) => page.group === group && may(page.needs)) }))
    .filter(({ shown }) => shown.length > 0);
  const session = currentSession();
  return (
    <nav class={isOpen ? 'rail open' : 'rail'} id="rail" aria-label="Pages">
      {isOpen && session !== undefined && (
        <div class="rail-session">
          <Who session={session} />
          <Live />
        </div>
      )}
      {groups.map(({ group, shown }) => (
        <div class="rail-group" key={group}>
          <h2>{group}</h2>
          <ul>
            {shown.map(({ path, title }) => (
              <li key={path}>
                <a href={linkTo([path])} aria-current={place.value.parts[0] === path ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
