/**
 * An MCP server for /bin/sh, of which fifty start as fast as one that needs a runtime: `echo` answers with the pid in its
 * structuredContent, `ping` is answered, and everything else is not.
 */
const INITIALIZED =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"small","version":"1"}}';

const SCRIPT = `
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$1"; }
while read -r line; do
  id=\${line##*'"id":'}
  id=\${id%%[,\\}]*}
  case $line in
    *'"method":"initialize"'*) answer '${INITIALIZED}' ;;
    *'"name":"echo"'*) answer '{"content":[],"structuredContent":{"pid":'$$'}}' ;;
    *'"method":"ping"'*) answer '{}' ;;
  esac
done
`;

export const SMALL = ["/bin/sh", "-c", SCRIPT];
