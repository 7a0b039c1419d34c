# Sourced by run, test, dev and .ci/run: installs what packages.txt lists and is missing; what it lists of arm64 is
# unpacked, by arm64_sysroot.sh.
# What is there costs one dpkg-query.

# missing_packages LIST [SECTION]
missing_packages() {
  local wanted installed
  wanted=$(sed -e "${2:+/^# $2\$/,/^\$/d}" -e 's/#.*//' -e '/:arm64$/d' -e '/^[[:space:]]*$/d' "$1" | sort -u)
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' | awk '$2 == "installed" { print $1 }' | sort -u)
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages LIST [SECTION]: LIST is packages.txt; SECTION, up to an empty line, is left out. Says what it installs; a
# failure is one sentence and exit code 1.
install_packages() {
  local missing log
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  log=$(mktemp /tmp/tombolo-packages.XXXXXX.log)
  echo "Installing Debian packages: $(echo $missing)"
  # shellcheck disable=SC2086  # One word per package.
  if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
         as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } > "$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "error: apt-get could not install the packages above; its log is $log." >&2
    return 1
  fi
  rm -f "$log"
}
