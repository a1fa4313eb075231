/**
 * Completion for bash: commands, options, the values of options with a fixed set, and names, which the server
 * provides. Anything else is a file, which the shell completes itself. zsh runs the same script.
 *
 * Bash ends a word at a colon: the script joins what bash has split, and removes that part from the candidates.
 */
import { type EntrySpec, flagWords } from '../command-spec.ts';
import { type CompletionLine, placesOf, wordsTaking } from './places.ts';

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

# Says which names stand at a place: behind an option, or as an argument, counted from 0.
_ward_thing() {
  case "$1" in
${places.flatMap(thingCases).join('\n')}
  esac
}

# Nothing of a name is run or expanded.
_ward_names() {
  local name
  while IFS= read -r name; do
    [[ $name == "$current"* ]] && COMPREPLY+=("$name")
  done < <(ward completion --names "$1" 2>/dev/null)
}

_ward_words() {
  local word colon='' at=-1
  case "$COMP_WORDBREAKS" in *:*) colon=1 ;; esac
  words=()
  for word in "\${COMP_WORDS[@]:0:$((COMP_CWORD + 1))}"; do
    if [[ -n $colon && $at -ge 0 && ($word == : || \${words[at]} == *:) ]]; then
      words[at]+="$word"
    else
      words+=("$word")
      ((at += 1))
    fi
  done
  current="\${words[at]}"
}

_ward() {
  local current typed='' skip=0 last='' count=0 index word next flags one two words before
  _ward_words
  _ward_at ''
  for ((index = 1; index < \${#words[@]} - 1; index++)); do
    word="\${words[index]}"
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
          *) ((count += 1)) ;;
        esac
        ;;
    esac
  done
  local thing=''
  if ((skip > 0)); then
    [ -n "$last" ] || return
    COMPREPLY=($(compgen -W "$(_ward_choices "$typed $last")" -- "$current"))
    thing="$(_ward_thing "$typed $last")"
  else
    case "$current" in
      -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
      *)
        COMPREPLY=($(compgen -W "$next" -- "$current"))
        thing="$(_ward_thing "$typed $count")"
        ;;
    esac
  fi
  [ -n "$thing" ] && _ward_names "$thing"
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    before="\${current%"\${current##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$before"}")
  fi
}
complete -o default -F _ward ward`;
}

export function zshScript(entries: readonly EntrySpec[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`;
}

function placeCase({ typed, entries, options }: CompletionLine): string {
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

function thingCases({ typed, options, args }: CompletionLine): string[] {
  const places = [
    ...options.flatMap((option) => flagWords(option).map((word) => [word, option.names] as const)),
    ...args.map(({ names }, index) => [index, names] as const),
  ];
  return places.flatMap(([place, names]) =>
    names === undefined ? [] : [`    '${typed} ${place}') echo ${names} ;;`],
  );
}

function choiceCases({ typed, options }: CompletionLine): string[] {
  return options.flatMap((option) => {
    if (option.choices === undefined) return [];
    const patterns = flagWords(option).map((word) => `'${typed} ${word}'`);
    return [`    ${patterns.join(' | ')}) echo '${option.choices.join(' ')}' ;;`];
  });
}
