#!/bin/sh
# Keystone @VERSION@ for @SYSTEM@. This script, and behind it an archive of the Deno executable and the program:
# unpacked once into the user's cache, where every later start finds them.
#
# It becomes the program: the same process, with stdin, stdout and arguments as they came. What it has to say by
# itself is one line on stderr. Its variables have a prefix, for one of the user's that had their name would reach
# the program changed.

ks_version='@VERSION@'
ks_system='@SYSTEM@'
ks_file_size='@FILE_SIZE@'
ks_archive_at='@ARCHIVE_AT@'
# Of both unpacked files, one behind the other; `cksum` knows another sum.
ks_sha256='@SHA256@'
ks_cksum='@CKSUM@'
ks_sizes='deno @DENO_SIZE@, keystone.js @BUNDLE_SIZE@'
# They are all dated in this year, so that what was written to since is noticed without reading 96 MB.
ks_year='@YEAR@'
ks_copy_name="v$ks_version-@SHORT_DIGEST@"

main() {
  require ls id uname
  # Deno would end with more lines than that.
  [ -d "$(pwd -P 2>/dev/null)" ] || fail 'the folder that it was started in is not there any more'
  refuse_other_machine "$(uname -sm)"
  refuse_without_proc
  ks_self=$(own_path "$0")
  ks_user=$(id -u)
  find_copy
  # Somebody may have removed it between the look and the mark.
  use_copy || { unpack && use_copy; } || fail "cannot start from $ks_copy"
  forget_dead_marks "$ks_copy"
  remove_unused_copies
  become_program "$@"
}

fail() {
  remove_staged
  ks_line_break='
'
  printf 'keystone: %s\n' "${1%%"$ks_line_break"*}" >&2
  exit 1
}

require() {
  for ks_tool in "$@"; do
    command -v "$ks_tool" >/dev/null || fail "cannot unpack itself: $ks_tool is not on the PATH"
  done
}

# macOS runs what is for another processor where it can; whether it can is seen when it is tried.
refuse_other_machine() {
  case $1 in
    @MACHINES@) ;;
    *) fail "this file is for $ks_system, and this machine is $1" ;;
  esac
}

# Deno would end with a stack trace.
refuse_without_proc() {
  case $ks_system in
    Linux*) [ -e /proc/self/exe ] || fail "needs /proc, which is not mounted" ;;
  esac
}

own_path() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/${1#./}" ;;
  esac
}

# ---- Where the copy is

# Sets ks_cache and ks_copy to folders that nobody else can write to, with a whole copy in them.
find_copy() {
  if [ -n "${KEYSTONE_CACHE:-}" ]; then
    # It was asked for, so nothing else will do. What root unpacks there may be for everybody.
    ks_umask=022
    look_into "$(own_path "$KEYSTONE_CACHE")" || make_copy_in "$(own_path "$KEYSTONE_CACHE")" ||
      fail "cannot use KEYSTONE_CACHE $KEYSTONE_CACHE: $ks_why; set it to a folder of your own"
    return
  fi
  ks_umask=077
  ks_default=$(default_cache)
  if [ -n "$ks_default" ]; then
    look_into "$ks_default" && return
    make_copy_in "$ks_default" && return
    [ -z "$ks_distrust" ] || printf 'keystone: does not use %s: %s\n' "$ks_default" "$ks_why" >&2
  fi
  ks_temporary=$(temporary_folder)/keystone-$ks_user
  look_into "$ks_temporary" || make_copy_in "$ks_temporary" ||
    fail "found no folder to unpack into, $ks_temporary neither: $ks_why; set KEYSTONE_CACHE to a folder of your own"
}

default_cache() {
  case ${XDG_CACHE_HOME:-} in
    /*) printf '%s\n' "$XDG_CACHE_HOME/keystone" && return ;;
  esac
  case ${HOME:-} in
    /*) printf '%s\n' "$HOME/.cache/keystone" ;;
  esac
}

temporary_folder() {
  case ${TMPDIR:-} in
    /*) printf '%s\n' "${TMPDIR%/}" ;;
    *) printf '/tmp\n' ;;
  esac
}

# Succeeds when the cache $1 has a whole copy which is to be trusted; otherwise ks_why says why not.
look_into() {
  ks_distrust='' ks_whole=''
  ks_cache=$(cd -P -- "$1" 2>/dev/null && pwd -P) || { ks_why='it is not there'; return 1; }
  ks_copy=${ks_cache%/}/$ks_copy_name
  judge_all "$ks_copy/deno" "$ks_copy/keystone.js" "$ks_copy"
  ks_why=${ks_distrust:-it has no whole copy}
  [ -z "$ks_distrust" ] && is_whole
}

is_whole() {
  [ -n "$ks_whole" ] && [ -x "$ks_copy/deno" ] && [ -r "$ks_copy/keystone.js" ]
}

# The folders above count as well: who may rename one of them can put his own in its place.
judge_all() {
  ks_above=$ks_cache
  while [ -n "$ks_above" ] && [ "$ks_above" != / ]; do
    set -- "$@" "$ks_above"
    ks_above=${ks_above%/*}
  done
  ks_right='' ks_seen=''
  ks_listing=$(LC_ALL=C TZ=UTC0 ls -ldn -- "$@" / 2>/dev/null)
  IFS='
'
  set -f
  for ks_line in $ks_listing; do
    unset IFS
    judge "$ks_line"
  done
  unset IFS
  set +f
  [ "$ks_right" = 'deno keystone.js ' ] && ks_whole=yes
}

# One line of `ls -ldn`: mode, links, owner, group, size, month, day, year, path.
judge() {
  ks_path=/${1#*/}
  # shellcheck disable=SC2086 # its words are meant
  set -- $1
  is_safe "$1" "${3:-}" "${4:-}" || ks_distrust=${ks_distrust:-"$ks_path can be changed by somebody else"}
  case "$1, ${ks_path##*/} ${5:-} of ${8:-}," in
    -??x*", ${ks_sizes%,*} of $ks_year,") ks_right="${ks_right}deno " ;;
    -*", ${ks_sizes#*, } of $ks_year,") ks_right="${ks_right}keystone.js " ;;
  esac
  case $ks_path in
    "$ks_copy/deno" | "$ks_copy/deno -> "*) ks_seen="${ks_seen}deno " ;;
    "$ks_copy/keystone.js" | "$ks_copy/keystone.js -> "*) ks_seen="${ks_seen}keystone.js " ;;
  esac
}

# By its mode, owner and group. Ours or root's, and nobody else may write: in a sticky folder such as /tmp everybody
# writes what is his own; a group that has the user's number is his alone.
is_safe() {
  case $2 in
    0 | "$ks_user") ;;
    *) return 1 ;;
  esac
  case $1 in
    d????????[tT]*) return 0 ;;
    ????????w*) return 1 ;;
    ?????w*) [ "$3" = 0 ] || [ "$3" = "$ks_user" ] ;;
  esac
}

# ---- Unpacking

# Succeeds when the cache $1, made where it is missing, has a whole copy; fails when it is not to be written to or
# not to be trusted, and ends everything when unpacking itself fails, which it would elsewhere.
make_copy_in() {
  require mkdir rm
  [ -z "$ks_distrust" ] || return 1
  (umask "$ks_umask" && mkdir -p -- "$1") 2>/dev/null
  look_into "$1" && return
  [ -z "$ks_distrust" ] || return 1
  if [ -d "$1" ] && [ -w "$1" ]; then
    unpack
  else
    ks_why='it cannot be written to'
    return 1
  fi
}

# All is done in a folder beside, which is then linked into place file by file, the executable last: of several that
# start at once, one copy is left. Linked and not moved, since a link is refused where somebody was quicker, and his
# process would lose its executable otherwise.
unpack() {
  require tar gzip tail mkdir mktemp ln mv cat rm rmdir
  refuse_musl
  refuse_truncated
  remove_dead_stages
  remove_staged_when_signalled
  ks_stage=$(mktemp -d "${ks_cache%/}/.unpacking.$$.XXXXXX" 2>/dev/null) || fail "cannot write to $ks_cache"
  ks_said=$(extract 2>&1) || fail "cannot unpack into $ks_cache: ${ks_said:-the archive is damaged}"
  refuse_damaged
  ks_said=$("$ks_stage/deno" --version 2>&1 </dev/null) ||
    fail "its Deno for $ks_system does not run from $ks_cache on this machine: ${ks_said:-no reason given}"
  put_into_place
  remove_staged
  trap - HUP INT TERM
}

extract() {
  umask "$ks_umask"
  tail -c "+$ks_archive_at" "$ks_self" | gzip -dc | tar -xof - -C "$ks_stage"
}

refuse_musl() {
  case "$ks_system $(ldd --version 2>&1) $(loaders)" in
    Linux*musl*) fail "needs glibc, and the libc of this system is musl: use a system with glibc" ;;
  esac
}

# Where there is no ldd to ask. A system of glibc may have the other one beside it.
loaders() {
  set -- /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/ld-musl-*
  if [ ! -e "$1" ] && [ ! -e "$2" ] && [ -e "$3" ]; then printf '%s\n' "$3"; fi
}

refuse_truncated() {
  ks_size=$(LC_ALL=C ls -ldnL -- "$ks_self" 2>/dev/null) || fail "cannot read $ks_self"
  ks_size=$(fifth_of "$ks_size")
  [ "$ks_size" = "$ks_file_size" ] ||
    fail "$ks_self is not whole: it has $ks_size of $ks_file_size bytes; get it again"
}

fifth_of() {
  # shellcheck disable=SC2086 # its words are meant
  set -- $1
  printf '%s\n' "$5"
}

refuse_damaged() {
  for ks_tool in sha256sum 'shasum -a 256' cksum; do
    command -v "${ks_tool%% *}" >/dev/null || continue
    # shellcheck disable=SC2086 # its words are meant
    ks_sum=$(cat "$ks_stage/deno" "$ks_stage/keystone.js" 2>&1 | $ks_tool)
    case $ks_sum in
      "$ks_sha256 "* | "$ks_cksum") return ;;
      *) fail "$ks_self is damaged: what it holds has another digest; get it again" ;;
    esac
  done
  require sha256sum
}

put_into_place() {
  (umask "$ks_umask" && mkdir -p "$ks_copy") && mark "$ks_copy"
  # Of several that repair a copy one may take away what another has put there since it looked.
  for ks_try in 1 2 3 4 5; do
    look_into "$ks_cache" && return
    [ -z "$ks_distrust" ] || fail "cannot unpack into $ks_cache: $ks_distrust"
    remove_wrong deno
    remove_wrong keystone.js
    put keystone.js
    put deno
  done
  look_into "$ks_cache" || fail "cannot unpack into $ks_cache: $ks_why (tried $ks_try times)"
}

# What was not there may be by now, from somebody who was quicker, and is as it should be then.
remove_wrong() {
  case "$ks_right|$ks_seen" in
    *"$1 "*'|'*) ;;
    *"$1 "*) rm -rf "${ks_copy:?}/$1" ;;
  esac
}

# Not every file system has links.
put() {
  ln "$ks_stage/$1" "$ks_copy/$1" 2>/dev/null || [ -e "$ks_copy/$1" ] ||
    mv -f "$ks_stage/$1" "$ks_copy/$1" 2>/dev/null
}

ks_stage=''
remove_staged() {
  [ -z "$ks_stage" ] || rm -rf "$ks_stage"
  ks_stage=''
}

remove_staged_when_signalled() {
  for ks_signal in HUP INT TERM; do
    # shellcheck disable=SC2064 # the name of now is meant
    trap "remove_staged; trap - $ks_signal; kill -s $ks_signal $$" "$ks_signal"
  done
}

# Of unpackings that were killed: their name has the process.
remove_dead_stages() {
  for ks_dead in "${ks_cache%/}"/.unpacking.*; do
    ks_pid=${ks_dead##*/.unpacking.}
    [ ! -d "$ks_dead" ] || kill -0 "${ks_pid%.*}" 2>/dev/null || rm -rf "$ks_dead" 2>/dev/null
  done
}

# ---- Who uses which copy

# A file with the number of the process, which will be the program's. Nothing is to be said where a copy is
# root's: only root removes it, and sees who runs it.
mark() {
  [ ! -w "$1" ] || { true >"$1/used-by-$$"; } 2>/dev/null
}

use_copy() {
  mark "$ks_copy"
  is_whole
}

forget_dead_marks() {
  for ks_mark in "$1"/used-by-*; do
    [ ! -e "$ks_mark" ] || kill -0 "${ks_mark##*-}" 2>/dev/null || rm -f "$ks_mark" 2>/dev/null
  done
}

# Only what this script has made: the user's own things may stand beside it.
remove_unused_copies() {
  for ks_other in "${ks_cache%/}"/v[0-9]*-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]; do
    [ "$ks_other" != "$ks_copy" ] && [ -d "$ks_other" ] && [ -w "$ks_other" ] && ! is_used "$ks_other" &&
      rm -f "$ks_other/deno" "$ks_other/keystone.js" && rmdir "$ks_other"
  done 2>/dev/null
}

# Gateways in the background have no mark, but their executable is there.
is_used() {
  case $(ls -l /proc/[0-9]*/exe 2>/dev/null || ps -Aww -o args= 2>/dev/null) in
    *"$1/deno"*) return 0 ;;
  esac
  forget_dead_marks "$1"
  for ks_mark in "$1"/used-by-*; do
    [ ! -e "$ks_mark" ] || return 0
  done
  return 1
}

# ---- The end of this script

become_program() {
  # Deno looks for a cache of its own, and starts without a home only when it is told of one.
  if [ -z "${HOME:-}" ]; then
    export DENO_DIR="${DENO_DIR:-${ks_cache%/}/deno-dir}"
  fi
  # A gateway does not ask whether there is a newer Deno, and its user cannot change it.
  export DENO_NO_UPDATE_CHECK=1
  export KEYSTONE_COMMAND="$ks_self"
  exec "$ks_copy/deno" run @RUN_FLAGS@ "$ks_copy/keystone.js" "$@"
}

main "$@"
exit
