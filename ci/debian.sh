#!/usr/bin/env bash
# Debian's packages that some tests use. Installed in CI alone; elsewhere, and where apt cannot, the missing are named.
set -euo pipefail
cd "$(dirname "$0")"
mapfile -t packages < debian-packages.txt
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q "install ok installed"; }
missing() { for package in "${packages[@]}"; do installed "$package" || echo "$package"; done; }

command -v dpkg-query >/dev/null || { echo "no Debian packages here: the tests look for the programs"; exit 0; }
[ -n "$(missing)" ] || exit 0
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    mapfile -t wanted < <(missing)
    quick=(-qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
    { apt-get "${quick[@]}" update && apt-get "${quick[@]}" install -y --no-install-recommends "${wanted[@]}"; } \
        >"$log" 2>&1 || tail -n 3 "$log"
fi
[ -z "$(missing)" ] || echo "not installed: $(missing | paste -sd ' '); the tests that need them say so and are skipped"
