#!/bin/sh
# What the container runs: a command of Keystone as it is, and all else as flags of serving.
set -eu

# A word that is neither a flag nor a file or URL is a command, as in `docker run … keys list`.
is_command() {
  case ${1-} in
    -h | --help | -V | --version) return 0 ;;
    '' | -* | *[./:]*) return 1 ;;
    *) return 0 ;;
  esac
}

# Keystone itself is asked what the flags, the environment and a configuration file come to.
configuration() {
  keystone config print "$@" 2>&1
}

# Clients come by the port that is published, whatever is listened on here.
if [ "${1-}" = client-config ]; then unset KEYSTONE_HOST; fi
if is_command "${1-}"; then exec keystone "$@"; fi

if ! said=$(configuration "$@") && said=$(configuration --auth apiKey "$@"); then
  # Whoever reaches the container could call, and nobody has said who may: a key is asked for rather than nothing. It
  # keeps web pages out, too, so that callers may use any name for the container, as other containers do.
  set -- --auth apiKey "$@"
  case $said in *'allowedHost = []'*) set -- --allowedHost '*' "$@" ;; esac
  echo "keystone: Callers need an API key, since nobody has said who may call (--auth, or --unauthenticated):" \
    "docker exec <this container> keystone show-key" >&2
fi

case $said in
  *'where clients come by stdio alone'*)
    # A client has started the container and speaks on its stdin: no address is listened on.
    unset KEYSTONE_HOST
    exec keystone "$@"
    ;;
esac

# With a name, so that `keystone health` finds it, whatever its port is.
exec keystone start --foreground "$@"
