/**
 * What is asked of a POST of 2026-07-28 before anything is done with it: that it says of itself what it is, in a revision
 * that is spoken here, and that its headers say the same (its Streamable HTTP page, "Request Metadata").
 */
import { RequestError, RpcCode } from "../../core/errors.ts";
import {
  decodeMirrored,
  type Mirrored,
  mirroredName,
  mirroredParams,
  MirrorHeader,
  sameMirrored,
} from "../../core/mcp/mirrored.ts";
import { Method } from "../../core/mcp/methods.ts";
import type { ParamAnnotation } from "../../core/mcp/param_annotations.ts";
import { isFault, metaRefusal, requestMetaIn } from "../../core/mcp/request_meta.ts";
import type { JsonRpcErrorObject, JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { cut, quoted } from "../../base/outside.ts";
import { versionOf } from "../http_checks.ts";

/** Which arguments the calls of a tool repeat in headers; undefined where nobody has seen the tool yet. */
export type ParamsOfTool = (name: string) => readonly ParamAnnotation[] | undefined;

/** Of a value that an error shows. */
const SHOWN_CHARS = 200;

/** Throws RequestError, which says by its code what is wrong: -32602, -32020 or -32022. */
export function checkModern(request: Request, message: JsonRpcRequest, paramsOf: ParamsOfTool): void {
  const meta = requestMetaIn(message);
  const refusal = metaRefusal(meta);
  if (isFault(meta)) throw refused(refusal);
  // A revision that nobody speaks is named twice, or it is not what was meant.
  requireSame(MirrorHeader.revision, versionOf(request), meta.revision);
  if (refusal) throw refused(refusal);
  requireSame(MirrorHeader.method, request.headers.get("mcp-method"), message.method);
  const name = mirroredName(message);
  if (name === undefined) return;
  requireRepeated(MirrorHeader.name, request.headers.get("mcp-name"), name);
  if (message.method === Method.callTool) checkParams(request, message, paramsOf(name) ?? []);
}

/** One that is in the call has a header, and no other is looked at ("Server Behavior for Custom Headers"). */
function checkParams(
  { headers }: Request,
  { params = {} }: JsonRpcRequest,
  mirrored: readonly ParamAnnotation[],
): void {
  for (const [header, value] of mirroredParams(mirrored, params.arguments)) {
    requireRepeated(header, headers.get(header), value);
  }
}

function requireSame(header: string, found: string | null, wanted: string): void {
  if (found?.trim() !== wanted) throw mismatch(header, found, wanted);
}

function requireRepeated(
  header: string,
  found: string | null,
  wanted: Mirrored,
): void {
  if (found === null || !sameMirrored(found.trim(), wanted)) throw mismatch(header, found, wanted);
}

function mismatch(
  header: string,
  found: string | null,
  wanted: Mirrored,
): RequestError {
  const shown = quoted(cut(`${wanted}`, SHOWN_CHARS));
  const text = found === null
    ? `${header} is missing: the body says ${shown}`
    : decodeMirrored(found.trim()) === undefined
    ? `${header} ${quoted(cut(found, SHOWN_CHARS))} is not spelled as a header has it: the body says ${shown}`
    : `${header} is ${quoted(cut(found, SHOWN_CHARS))}, and the body says ${shown}`;
  return new RequestError(`Header mismatch: ${text}`, { code: RpcCode.headerMismatch });
}

function refused(refusal: JsonRpcErrorObject | undefined): RequestError {
  const { code, message, data } = refusal ?? { code: RpcCode.invalidParams, message: "Invalid params" };
  return new RequestError(message, { code, data });
}
