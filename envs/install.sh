# Sourced by scripts/demo, scripts/test and scripts/bench: makes .venv from a lock file, once for each of its versions.
#   install_environment requirements|test
install_environment() {
    local lock="envs/$1.lock" python="" candidate stamp
    stamp="$(cat "$lock" pyproject.toml | cksum | cut -d' ' -f1)"
    if [ -x .venv/bin/levelworks ] && grep -qsx "$1 $stamp" .venv/installed; then
        return 0
    fi
    if [ -L .venv ]; then
        echo ".venv is a link to $(readlink -f .venv), perhaps another checkout's: installing would change that one" >&2
        return 64
    fi
    for candidate in python3.11 python3.12 python3.13 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python="$candidate"
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "levelworks needs Python 3.11 or newer on the PATH" >&2
        return 64
    fi
    echo "installing levelworks into .venv with $("$python" --version) (some minutes the first time) ..." >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement "$lock"
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
    echo "$1 $stamp" >> .venv/installed
    .venv/bin/levelworks doctor --warm
}
