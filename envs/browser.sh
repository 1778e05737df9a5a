# Sourced by scripts/test: installs the Chromium in which tests open pages, where this runs as root on Debian.
#   install_browser
install_browser() {
    local reason="" command
    for command in chromium chromium-browser google-chrome google-chrome-stable; do
        ! command -v "$command" >/dev/null || return 0
    done
    if ! command -v apt-get >/dev/null; then
        reason="no browser is installed"
    elif [ "$(id -u)" -ne 0 ]; then
        reason="no browser is installed, which root can do with apt-get"
    else
        echo "installing Chromium for the tests of pages ..." >&2
        (
            export DEBIAN_FRONTEND=noninteractive
            apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium
        ) >/dev/null || reason="apt-get failed"
    fi
    if [ -n "$reason" ]; then
        echo "the tests that open pages will be skipped: $reason" >&2
        [ "${CI:-}" != true ] || return 69
    fi
}
