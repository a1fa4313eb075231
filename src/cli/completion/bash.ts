/**
 * Completion for bash: commands, options, and the values of options that have a few. Anything else is a file, which
 * the shell completes itself. zsh runs the same script.
 */
import { type EntrySpec, flagWords } from '../command-spec.ts';
import { type Place, placesOf, wordsTaking } from './places.ts';

export function bashScript(entries: readonly EntrySpec[]): string {
  const places = placesOf(entries);
  return `# What may stand at a place: its words, its options, and which of them take one word or two.
_ward_at() {
  next='' flags='' one='' two=''
  case "$1" in
${places.map(placeCase).join('\n')}
  esac
}

_ward_choices() {
  case "$1" in
${places.flatMap(choiceCases).join('\n')}
  esac
}

_ward() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed='' skip=0 last='' index word next flags one two
  _ward_at ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if ((skip > 0)); then ((skip--)); continue; fi
    last=''
    case "$word" in
      -*)
        case " $one " in *" $word "*) skip=1 last="$word" ;; esac
        case " $two " in *" $word "*) skip=2 ;; esac
        ;;
      *)
        case " $next " in
          *" $word "*)
            typed="\${typed:+$typed }$word"
            _ward_at "$typed"
            ;;
        esac
        ;;
    esac
  done
  if ((skip > 0)); then
    [ -n "$last" ] && COMPREPLY=($(compgen -W "$(_ward_choices "$typed $last")" -- "$current"))
    return
  fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$next" -- "$current")) ;;
  esac
}
complete -o default -F _ward ward`;
}

export function zshScript(entries: readonly EntrySpec[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`;
}

function placeCase({ typed, entries, options }: Place): string {
  const longWords = options.flatMap(flagWords).filter((word) => word.startsWith('--'));
  const parts = [
    ['next', entries.map(({ name }) => name)],
    ['flags', longWords],
    ['one', wordsTaking(options, 1)],
    ['two', wordsTaking(options, 2)],
  ] as const;
  const assignments = parts
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `${name}='${list.join(' ')}'`);
  return `    '${typed}') ${assignments.join(' ')} ;;`;
}

function choiceCases({ typed, options }: Place): string[] {
  return options.flatMap((option) => {
    if (option.choices === undefined) return [];
    const patterns = flagWords(option).map((word) => `'${typed} ${word}'`);
    return [`    ${patterns.join(' | ')}) echo '${option.choices.join(' ')}' ;;`];
  });
}
