"""`shell-completion`: make a shell complete commands, options and names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from rookery.core.context import Context
from rookery.core.results import result
from rookery.opkit.declare import Positional, Record, operation

HEAD = """\
# Completion of rookery's commands, options, siblings and paths.
# To have it in this session:
#
#     {use}
#
# and to have it in every session, put that line into {file}.
"""

BASH = """\
_rookery() {
    local IFS=$'\\n'
    COMPREPLY=($(ROOKERY_COMPLETE=bash command "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    # after `--option=` bash completes the value alone
    local word="${COMP_WORDS[COMP_CWORD]}"
    if [[ "$word" == "=" || "${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then
        COMPREPLY=("${COMPREPLY[@]#*=}")
    fi
}
complete -o default -o bashdefault -F _rookery rookery
"""

ZSH = """\
_rookery() {
    local -a lines words_and_meanings
    lines=("${(@f)$(ROOKERY_COMPLETE=zsh command "${words[1]}" "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    local line word
    for line in $lines; do
        word="${line%%$'\\t'*}"
        words_and_meanings+=("${word//:/\\\\:}:${line#*$'\\t'}")
    done
    if (( ${#words_and_meanings} )); then
        _describe rookery words_and_meanings
    else
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _rookery rookery
"""

FISH = """\
function __rookery_complete
    set -l words (commandline -opc) (commandline -ct)
    ROOKERY_COMPLETE=fish command $words[1] $words[2..-1] 2>/dev/null
end
complete -c rookery -a '(__rookery_complete)'
"""

BOTH = f"""\
if [ -n "${{ZSH_VERSION:-}}" ]; then
eval '
{ZSH.replace("'", "'" + chr(92) + "''")}'
else
{BASH}fi
"""


@operation(renderer="shell_completion", summary="never")
def shell_completion(
    ctx: Context,
    shell: Annotated[
        Literal["bash", "zsh", "fish"] | None,
        Positional("SHELL", help="bash, zsh or fish; without it, a script for bash and zsh"),
    ] = None,
) -> Iterator[Record]:
    """Print a script that makes a shell complete rookery's commands.

    Use it with: source <(rookery shell-completion); for fish:
    rookery shell-completion fish | source
    """
    use, file = {
        "zsh": ("source <(rookery shell-completion)", "~/.zshrc"),
        "fish": ("rookery shell-completion fish | source", "~/.config/fish/config.fish"),
    }.get(shell or "bash", ("source <(rookery shell-completion)", "~/.bashrc (or ~/.zshrc)"))
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}.get(shell or "", BOTH)
    record = result("shell_completion", ctx.cwd, content=HEAD.format(use=use, file=file) + script)
    del record["path"]  # as in DataLad: it is about no place
    yield record
