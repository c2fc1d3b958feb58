# SPDX-License-Identifier: BSD-3-Clause
"""What bash, zsh and fish offer, asked as they are when a user types TAB."""
import os
import subprocess

import pytest

from program import htflow
from test_papers import COMMANDS, options

# COMP_WORDS as readline makes it: `=` is a word of its own.
BASH = r"""
source "$1"
for word in $(sed 's/=/ = /g' <<<"$2"); do COMP_WORDS+=("$word"); done
[[ $2 != *[\ =] ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_htflow
printf '%s\n' "${COMPREPLY[@]}"
"""
FISH = """
source $argv[1]
complete -C $argv[2]
"""
# A shell on a terminal of its own, which writes down what it would have offered.
ZSH_RC = r"""
PS1=
autoload -U compinit
compinit -C -d $HOME/dump
zstyle ':completion:*' insert-tab false
bindkey '^I' complete-word
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a hits
    builtin compadd -A hits "$@"
    [[ -z $hits ]] || print -rl -- $hits >>$ASKED
  fi
  builtin compadd "$@"
}
leave() { exit }
comppostfuncs=(leave)
print READY
"""
ZSH = r"""
zmodload zsh/zpty
export ASKED=$HOME/asked
: >$ASKED
zpty shell 'zsh -f -i'
zpty -w shell "fpath=(${1:h} \$fpath); source $HOME/rc"
local out
zpty -r shell out '*READY*'
zpty -w -n shell "$2"$'\t'
while zpty -r shell out; do :; done
cat $ASKED
"""
ASK = {"bash": ["bash", "--norc", "-c", BASH, "bash"],
       "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
       "fish": ["fish", "--no-config", "-c", FISH]}
FILES = {"bash": "bash-completion/completions/htflow", "zsh": "zsh/site-functions/_htflow",
         "fish": "fish/vendor_completions.d/htflow.fish"}


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    share = tmp_path_factory.mktemp("papers")
    assert htflow("help", "--papers", share).returncode == 0
    return share


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    for name in ("a.yaml", "b.h5", "c.txt", "d.tns"):
        (folder / name).touch()
    (folder / "sub").mkdir()
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "rc").write_text(ZSH_RC)
    return home


@pytest.fixture(params=sorted(ASK))
def ask(request, share, folder, home):
    def ask(line):
        done = subprocess.run([*ASK[request.param], share / FILES[request.param], line],
                              cwd=folder, text=True, capture_output=True, timeout=60,
                              env={**os.environ, "HOME": str(home), "TERM": "dumb"})
        assert done.returncode == 0 and done.stderr == "", done.stderr
        # The shells differ in whether a folder's slash, and what stands before `=`, is shown.
        words = [line.split("\t")[0] for line in done.stdout.splitlines()]
        return {word.rstrip("/=").split("=")[-1] for word in words} - {""}
    return ask


def test_commands_and_options_are_offered(ask):
    assert set(COMMANDS) <= ask("htflow ")
    assert ask("htflow pl") == {"plan"}
    for command in ("run", "rank"):
        assert set(options(command)) <= ask(f"htflow {command} --")
    assert ask("htflow run --retry") == {"--retry-failed"}


def test_files_of_the_right_kind_are_offered(ask):
    assert ask("htflow run ") == {"a.yaml", "sub"}
    assert ask("htflow check ") == {"b.h5", "d.tns", "sub"}
    assert ask("htflow status ") == {"sub"}
    assert ask("htflow run a.yaml --out ") == {"sub"}
    assert ask("htflow run a.yaml --out=s") == {"sub"}
    assert ask("htflow gather -o ") == {"b.h5", "sub"}
    assert ask("htflow explain sub ") == set()


def test_words_and_keys_are_offered(ask):
    assert ask("htflow help --completion ") == {"bash", "zsh", "fish"}
    assert {"sweep", "results", *COMMANDS} <= ask("htflow help --man ")
    assert ask("htflow run --set init.k") == {"init.kind"}
    assert ask("htflow run --set flow.method=a") == {"adams", "adam"}
    assert {"l1", "l2", "huber"} == ask("htflow run --set loss.kind=")
