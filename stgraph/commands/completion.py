"""``stgraph completion bash|zsh|fish``: prints the completion script of a shell."""

from __future__ import annotations

from stgraph.commands.arguments import COMMANDS, completions, parser_of
from stgraph.commands.console.output import say

__all__ = ["run"]

BASH = """_stgraph() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" words
    local cur="${{line##* }}"
    if [ "$COMP_CWORD" -le 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$cur")); return
    fi
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    case "$cur" in  # readline splits words at "="
        *=*) [[ "$COMP_WORDBREAKS" == *=* ]] && COMPREPLY=("${{COMPREPLY[@]#"${{cur%=*}}="}}") ;;
    esac
}}
complete -o default -o bashdefault -F _stgraph stgraph
"""
ZSH = """#compdef stgraph
_stgraph() {{
    local -a words_of
    if (( CURRENT == 2 )); then
        compadd -- {commands}; return
    fi
    case "$words[2]" in
{cases}
    esac
    compadd -- $words_of
    _files
}}
compdef _stgraph stgraph
"""


def run(arguments: list[str]) -> int:
    """Runs ``stgraph completion``."""
    shell = parser_of("completion").parse_args(arguments).shell
    words = {name: " ".join(completions(name)) for name in COMMANDS}
    commands = " ".join(COMMANDS)
    if shell == "bash":
        cases = "\n".join(f'        {name}) words="{text}" ;;' for name, text in words.items())
        say(BASH.format(commands=commands, cases=cases), end="")
    elif shell == "zsh":
        cases = "\n".join(f"        {name}) words_of=({text}) ;;" for name, text in words.items())
        say(ZSH.format(commands=commands, cases=cases), end="")
    else:
        say(f'complete -c stgraph -n __fish_use_subcommand -a "{commands}"')
        for name, text in words.items():
            say(f'complete -c stgraph -n "__fish_seen_subcommand_from {name}" -a "{text}"')
    return 0
