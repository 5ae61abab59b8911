"""What shells complete: options by typer, and here profiles, buckets and prefixes.

The scripts speak to asyncup as the one that typer makes for fish does: a value on each line, then
a tab and what it is. Those that typer makes for bash and zsh know nothing of words with colons.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import typer

from asyncup.core.errors import UsageError
from asyncup.core.options import S3Config

PATIENCE = 2.0
"""Seconds to wait for S3: whoever has pressed the key waits, too."""

MOST = 100
"""Values to choose from."""

_SCHEME = "s3://"
_S3_OPTIONS = ("profile", "region", "endpoint_url", "addressing_style", "ca_bundle", "verify_ssl")


class Shell(StrEnum):
    """A shell that asyncup has a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def script_for(shell: Shell) -> str:
    """Return what makes a shell complete asyncup's commands."""
    return _SCRIPTS[shell]


def prepare() -> None:
    """Let typer answer in the form that the scripts ask for."""
    from typer.completion import completion_init  # type: ignore[attr-defined] # not told to be one

    completion_init()


def profiles(incomplete: str) -> list[str]:
    """Return the profiles that begin so."""
    from asyncup.edges.aws_files import profile_names

    return [each for each in profile_names() if each.startswith(incomplete)]


def places(context: typer.Context, incomplete: str) -> list[str]:
    """Return the buckets, prefixes and objects that begin so; none where S3 does not tell soon.

    What begins otherwise is left to the shell, which knows files.
    """
    if not incomplete.startswith(_SCHEME):
        # Not from its first letter on: names of files begin so, too.
        return [_SCHEME] if len(incomplete) > 1 and _SCHEME.startswith(incomplete) else []
    import asyncio

    from asyncup.core.errors import AsyncupError
    from asyncup.edges.s3_names import uris_from

    async def ask() -> list[str]:
        async with asyncio.timeout(PATIENCE):
            return await uris_from(_s3_config(context), incomplete, MOST)

    try:
        return asyncio.run(ask())
    except (AsyncupError, OSError):  # TimeoutError is one, too
        return []


def _s3_config(context: typer.Context) -> S3Config:
    """Return which S3 is meant, by what stands on the command line so far, and as usual.

    Raises:
        UsageError: that is not understood, and another one is not meant.
    """
    of_file = _file_settings(context)
    found: dict[str, Any] = {}
    for option in context.command.params:
        if option.name in _S3_OPTIONS:
            source = context.get_parameter_source(option.name)
            if source is not None and source.name in {"COMMANDLINE", "ENVIRONMENT"}:
                found[option.name] = context.params[option.name]
                if found[option.name] is None:
                    raise UsageError(f"{option.name} is not understood")
            else:
                found[option.name] = of_file.get(option.name, option.default)
    return S3Config(**found)


def _file_settings(context: typer.Context) -> Mapping[str, Any]:
    """Return what the configuration file sets; nothing if it is not right."""
    from asyncup.cli.config import check, find, read

    try:
        path = find(context.params.get("config"))
        return check(context, read(path)).params if path is not None else {}
    except UsageError:
        return {}


_BASH = r"""
_asyncup() {
    local line="${COMP_LINE:0:COMP_POINT}" value IFS=$'\n'
    local word="${line##*[[:space:]]}" before=
    # A word ends at a colon in bash: what stands before its last one is not to be repeated.
    [[ $word == *:* && $COMP_WORDBREAKS == *:* ]] && before="${word%"${word##*:}"}"
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        [[ $value ]] || continue
        # Names come from S3, where anybody may have chosen them: none is to be run.
        printf -v value %q "${value#"${before//\\/}"}"
        COMPREPLY+=("$value")
    done < <(_ASYNCUP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
             _TYPER_COMPLETE_ARGS="$line" "$1" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -o default -F _asyncup asyncup
"""

_ZSH = r"""
#compdef asyncup

_asyncup() {
    local line value
    local -a words_found prefixes_found
    for line in "${(@f)$(_ASYNCUP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS="${words[1,CURRENT-1]} $PREFIX" $words[1] 2>/dev/null)}"; do
        value=${line%%$'\t'*}
        [[ -n $value ]] || continue
        [[ $line == *$'\t'* ]] && line=${value//:/\\:}:${line#*$'\t'} || line=${value//:/\\:}
        [[ $value == */ ]] && prefixes_found+=($line) || words_found+=($line)
    done
    if (( ! $#words_found && ! $#prefixes_found )); then
        _files
        return
    fi
    [[ $PREFIX == --*=* ]] && compset -P '*='
    (( $#words_found )) && _describe asyncup words_found
    (( $#prefixes_found )) && _describe asyncup prefixes_found -S ''
    return 0
}

if [[ $funcstack[1] == _asyncup ]]; then
    _asyncup "$@"
else
    compdef _asyncup asyncup
fi
"""

_FISH = r"""
function __asyncup_complete
    set -l option (string match --regex -- '^--[^=]+=' (commandline -ct))
    set -l found (_ASYNCUP_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS=(commandline -cp) asyncup 2>/dev/null | string match --invert '')
    if test (count $found) -gt 0
        printf "$option%s\n" $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command asyncup --no-files --arguments '(__asyncup_complete)'
"""

_SCRIPTS = {
    Shell.BASH: _BASH.lstrip(),
    Shell.ZSH: _ZSH.lstrip(),
    Shell.FISH: _FISH.lstrip(),
}
