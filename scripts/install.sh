#!/bin/sh
# Installs the hookferry executable of a release, or removes it. `sh install.sh --help` tells how.
# Needs sh, the usual small tools, curl or wget, and one of sha256sum, shasum, openssl.
set -eu

# The release workflow writes its own two in here.
released_base=''
released_version=''

usage() {
  cat <<'HELP'
install.sh: puts the hookferry executable of a release in place.

  --version X.Y.Z   this version
  --dir FOLDER      where to (default /usr/local/bin for root, else ~/.local/bin)
  --target NAME     instead of what this machine is, as in linux-x64-musl
  --service         then: hookferry service install (with --uninstall before:
                    hookferry service uninstall)
  --uninstall       remove it; settings and messages stay
  --dry-run         only tell what would be done
  --allow-insecure  plain http beyond this machine, knowing what it means

  HOOKFERRY_BASE_URL   the folder (https, or file) that holds SHA256SUMS and the
                       executables; with --version, its folder vX.Y.Z does
Nothing is put in place before its SHA-256 is that of SHA256SUMS and it ran.
Exit codes: 0 done, 1 could not, 2 usage.
HELP
}

say() { printf '%s\n' "$*"; }
fail() { say "install.sh: $*" >&2; exit 1; }
misused() { say "install.sh: $* (--help tells more)" >&2; exit 2; }
has() { command -v "$1" >/dev/null 2>&1; }

# All in functions, called in the last line: half a script, from a download cut short, does nothing.
main() {
  base=${HOOKFERRY_BASE_URL:-$released_base}
  version='' dir='' target='' service='' uninstall='' dry='' insecure=''
  [ -n "${HOOKFERRY_BASE_URL:-}" ] || version=$released_version
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --dir | --target)
        [ -n "${2:-}" ] || misused "$1 wants a value"
        case $1 in --version) version=${2#v} ;; --dir) dir=$2 ;; --target) target=$2 ;; esac
        shift
        ;;
      --service) service=yes ;;
      --uninstall) uninstall=yes ;;
      --dry-run) dry=yes ;;
      --allow-insecure) insecure=yes ;;
      --help | -h) usage; exit 0 ;;
      *) misused "$1 is not known" ;;
    esac
    shift
  done
  case $version in *[!0-9A-Za-z.+-]*) misused "--version $version: use one like 0.1.0" ;; esac
  case $target in *[!0-9a-z-]*) misused "--target $target: use one like linux-x64" ;; esac
  [ -n "$dir" ] || dir=$(default_folder)
  file=$dir/hookferry
  [ ! -d "$file" ] || fail "$file is a folder"
  if [ -n "$uninstall" ]; then remove; else install_release; fi
}

default_folder() {
  if [ "$(id -u)" -eq 0 ]; then say /usr/local/bin; return; fi
  [ -n "${HOME:-}" ] || misused 'HOME is not set: choose a folder with --dir'
  say "$HOME/.local/bin"
}

remove() {
  if [ ! -e "$file" ] && [ ! -L "$file" ]; then fail "there is no $file"; fi
  if [ -n "$dry" ]; then
    [ -z "$service" ] || say "would run $file service uninstall"
    say "would remove $file"
    return
  fi
  [ -z "$service" ] || "$file" service uninstall || fail "the service is still there, and so is $file"
  rm -f "$file" 2>/dev/null || fail "cannot remove $file: its folder cannot be written to"
  say "removed $file"
}

install_release() {
  [ -n "$base" ] || misused 'set HOOKFERRY_BASE_URL to the folder that holds the release'
  assert_safe "$base"
  [ -n "$target" ] || target=$(detect_target)
  name=hookferry-$target
  from=${base%/}
  [ -z "$version" ] || from=$from/v$version
  if [ -n "$dry" ]; then
    say "would download $from/SHA256SUMS and $from/$name"
    say "would put $file in place when the sum is right and it runs"
    [ -z "$service" ] || say "would run $file service install"
    return
  fi
  has curl || has wget || fail 'needs curl or wget'
  has sha256sum || has shasum || has openssl || fail 'needs sha256sum, shasum or openssl to verify the download'
  made=''
  [ -d "$dir" ] || made=$dir
  mkdir -p -- "$dir" 2>/dev/null || fail "cannot make the folder $dir: choose another with --dir, or be root"
  dir=$(CDPATH='' cd -- "$dir" && pwd)
  file=$dir/hookferry
  # In the same folder, so that the last step is one rename.
  temporary=$(mktemp -d "$dir/.hookferry.XXXXXX" 2>/dev/null) ||
    fail "cannot write to $dir: choose another with --dir, or be root"
  trap 'clean' EXIT
  trap 'exit 1' HUP INT TERM
  download "$from/SHA256SUMS" "$temporary/SHA256SUMS"
  wanted=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\$/\1/p" "$temporary/SHA256SUMS")
  [ -n "$wanted" ] || fail "the release at $from has no $name; it has:$(names "$temporary/SHA256SUMS")"
  download "$from/$name" "$temporary/$name"
  found=$(sum "$temporary/$name")
  [ "$found" = "$wanted" ] || fail "$from/$name is not what its release says, nothing was installed
  SHA-256 in SHA256SUMS  $wanted
  SHA-256 of the file    $found"
  chmod 755 "$temporary/$name"
  about=$("$temporary/$name" version 2>&1) || fail "$name does not run here, nothing was installed: $about"
  case $version in
    '') ;;
    *) case $about in
      "hookferry $version "*) ;;
      *) fail "$from/$name says it is \"$about\", nothing was installed" ;;
    esac ;;
  esac
  mv -f "$temporary/$name" "$file" || fail "cannot put $file in place"
  made=''
  say "installed $file: $about"
  case :${PATH:-}: in
    *:"$dir":*) ;;
    *) say "$dir is not in PATH; for this shell: PATH=\"$dir:\$PATH\"" ;;
  esac
  [ -z "$service" ] || "$file" service install
}

clean() {
  rm -rf "$temporary"
  [ -z "$made" ] || rmdir "$made" 2>/dev/null || :
}

# A sum that came over a line anybody can write on proves nothing.
assert_safe() {
  case $1 in
    https://* | file:///*) ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | http://127.0.0.1 | http://localhost) ;;
    http://*)
      [ -n "$insecure" ] || misused "HOOKFERRY_BASE_URL $1 is plain http: use https, or --allow-insecure"
      ;;
    *) misused "HOOKFERRY_BASE_URL $1: use a URL with https: or file:" ;;
  esac
}

# As scripts/compile.ts names them.
detect_target() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no executable for a processor $machine" ;;
  esac
  case $system in
    Linux)
      suffix=$(libc)
      say "linux-$machine$suffix"
      ;;
    Darwin)
      # A shell under Rosetta calls an arm64 machine x86_64.
      [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" != 1 ] || machine=arm64
      say "macos-$machine"
      ;;
    MINGW* | MSYS* | CYGWIN*) fail 'on Windows use install.ps1' ;;
    *) fail "there is no executable for the system $system" ;;
  esac
}

# Told by the loader that is there, as nothing else is certain to be.
libc() {
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/ld-musl-*.so.1; do
    [ -e "$loader" ] || continue
    case $loader in *musl*) say -musl ;; esac
    return
  done
  fail 'found the loader of neither glibc nor musl in /lib and /lib64: name the executable with --target'
}

download() {
  status=0
  if has curl; then
    told=$(curl -fsSL --proto-redir '=https' --retry 2 --connect-timeout 20 --speed-limit 1 --speed-time 60 \
      -o "$2" "$1" 2>&1) || status=$?
    case $status in
      0) return ;;
      5 | 6 | 7) why='cannot be reached (offline?)' ;;
      22) case $told in *404*) why='is not there' ;; *) why='was refused' ;; esac ;;
      37) why='is not there' ;;
      23) why="cannot be written to $dir (no space left?)" ;;
      35 | 51 | 60 | 77) why='has no certificate that this machine trusts' ;;
      *) why='cannot be downloaded whole' ;;
    esac
  else
    told=$(wget -q -T 60 -O "$2" "$1" 2>&1) || status=$?
    case $status in
      0) return ;;
      3) why="cannot be written to $dir (no space left?)" ;;
      4) why='cannot be reached (offline?)' ;;
      5) why='has no certificate that this machine trusts' ;;
      *) why='cannot be downloaded' ;;
    esac
  fi
  fail "$1 $why, nothing was installed${told:+: $told}"
}

names() { sed -n 's/^[0-9a-f]\{64\} [ *]hookferry-\([a-z0-9-]*\)$/ \1/p' "$1" | tr -d '\n'; }

sum() {
  if has sha256sum; then sha256sum <"$1"
  elif has shasum; then shasum -a 256 <"$1"
  else openssl dgst -sha256 -r <"$1"
  fi | cut -d ' ' -f 1
}

main "$@"
