/** Which MCP server is meant; one of them is to be given, or a command or a URL beside the flags. */
import * as z from "zod";
import { HTTP, remoteUrl, WEB_SOCKET } from "../options/network_values.ts";
import { option, section } from "../options/section.ts";

/** A command line, or the URL of a remote server. */
export const serverOptions = section({
  stdio: option(z.string(), {
    value: "<command line>",
    description: "MCP server to run; words as in a shell, which starts only if the line needs one",
    secret: true,
    single: true,
    common: true,
  }),
  streamableHttp: option(remoteUrl(HTTP), {
    value: "<url>",
    description: "MCP server over Streamable HTTP; a URL alone finds out whether it is this or SSE",
    secret: true,
    single: true,
  }),
  sse: option(remoteUrl(HTTP), {
    value: "<url>",
    description: "MCP server over SSE",
    secret: true,
    single: true,
  }),
  ws: option(remoteUrl(WEB_SOCKET), {
    value: "<url>",
    description: "MCP server over WebSocket",
    secret: true,
    single: true,
  }),
});
