#!/bin/sh
# install.sh ARTEFACT FOLDER COMMAND: puts Keystone into the image. What a self-extracting file unpacks at its first
# start is unpacked here, once for all starts, and belongs to root: what runs in the container cannot change it.
set -eu
artefact=$1 folder=$2 command=$3

# As those of every other way to start it: scripts/compile.ts says what each is for, and a test compares them.
flags="--no-config --no-lock --allow-net --allow-run --allow-read --allow-write --allow-env --allow-sys --no-prompt"

unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
chmod 755 "$artefact"
KEYSTONE_CACHE=$unpacked "$artefact" --version
deno=$(find "$unpacked" ! -type d -name deno)
bundle=$(find "$unpacked" ! -type d -name keystone.js)

mkdir -p "$folder"
if [ -z "$deno" ]; then
  # One of `deno compile` has all inside, and unpacks nothing.
  install -m 755 "$artefact" "$command"
  exit
fi
install -m 755 "$deno" "$folder/deno"
install -m 644 "$bundle" "$folder/keystone.js"
cat >"$command" <<END
#!/bin/sh
exec $folder/deno run $flags $folder/keystone.js "\$@"
END
chmod 755 "$command"
