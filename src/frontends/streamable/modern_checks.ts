/**
 * What a POST of 2026-07-28 has to say of itself, in its body and in the headers that mirror it (basic protocol page,
 * "_meta"; Streamable HTTP page, "Request Metadata"). What breaks several rules is refused for the first of them, in the
 * order that the official SDK has.
 */
import { echoed, quoted } from "../../base/outside.ts";
import { RequestError, RpcCode } from "../../core/errors.ts";
import {
  decodeMirrored,
  isMirrored,
  isMirrorOf,
  type Mirrored,
  mirroredName,
  MirrorHeader,
  nameKeyOf,
  PARAM_HEADER,
  valueAt,
} from "../../core/mcp/mirrored.ts";
import { Method } from "../../core/mcp/methods.ts";
import type { ParamAnnotation } from "../../core/mcp/param_annotations.ts";
import { isRemoved } from "../../core/mcp/removed_methods.ts";
import {
  faultRefusal,
  isFault,
  MetaKey,
  metaOf,
  type RequestMeta,
  requestMetaIn,
  revisionRefusal,
} from "../../core/mcp/request_meta.ts";
import { MODERN_REVISIONS } from "../../core/mcp/revisions.ts";
import type { JsonRpcErrorObject, JsonRpcNotification, JsonRpcRequest } from "../../core/message/jsonrpc.ts";

/** What is known of a server's tools. */
export interface AnnotatedTools {
  /** Which arguments are mirrored in headers; undefined where that is not known. */
  annotationsOf(tool: string): readonly ParamAnnotation[] | undefined;
}

/** What the request says of itself; throws RequestError, with its id, where that or a header of it is not as it must be. */
export function checkModern(request: Request, message: JsonRpcRequest, tools?: AnnotatedTools): RequestMeta {
  const meta = demandMeta(message);
  const revision = revisionIn(request, meta.revision);
  const method = mirrorIn(request, { header: MirrorHeader.method, where: "method", value: message.method });
  // A proxy may have left out a header: what is there tells more of what is wrong.
  demandSame(message, revision);
  demandSame(message, method);
  demandServed(message, meta);
  demandThere(message, revision);
  demandThere(message, method);
  demandName(request, message);
  demandParams(request, message, tools);
  if (isRemoved(message.method)) throw unknownMethod(message);
  return meta;
}

/** The same of a notification, which need not say anything of itself: its header says the same then. */
export function checkModernNotification(request: Request, message: JsonRpcNotification): void {
  const value = metaOf(message)?.[MetaKey.revision];
  if (value === undefined) return;
  const revision = revisionIn(request, value);
  demandSame(message, revision);
  demandThere(message, revision);
}

/** What has come, of which a header may say something. */
type MirroredMessage = JsonRpcRequest | JsonRpcNotification;

/** A value of the body. */
interface MirroredValue {
  /** Which has to say the same. */
  readonly header: string;
  /** Where in the body it stands. */
  readonly where: string;
  readonly value: unknown;
}

interface Mirror extends MirroredValue {
  /** In the header; null where that is missing. */
  readonly said: string | null;
}

/** A header is read once: that costs more than all that is done with it. */
function mirrorIn({ headers }: Request, { header, where, value }: MirroredValue): Mirror {
  return { header, where, value, said: headers.get(header) };
}

function revisionIn(request: Request, value: unknown): Mirror {
  return mirrorIn(request, { header: MirrorHeader.revision, where: "protocolVersion in _meta", value });
}

function demandMeta(message: JsonRpcRequest): RequestMeta {
  const meta = requestMetaIn(message);
  if (isFault(meta)) throw refusalOf(message, faultRefusal(meta));
  return meta;
}

function demandServed(message: JsonRpcRequest, meta: RequestMeta): void {
  const refused = revisionRefusal(meta);
  if (refused) throw refusalOf(message, refused);
}

/** Of what is never encoded. */
function demandSame(message: MirroredMessage, mirror: Mirror): void {
  const { said, value } = mirror;
  if (said !== null && said !== value) throw different(message, mirror, said);
}

function demandThere(message: MirroredMessage, mirror: Mirror): void {
  if (mirror.said === null) throw missing(message, mirror);
}

function demandName(request: Request, message: JsonRpcRequest): void {
  const key = nameKeyOf(message.method);
  if (key === undefined) return;
  demandMirrored(request, message, {
    header: MirrorHeader.name,
    where: `params.${key}`,
    value: mirroredName(message),
  });
}

/** Other headers of that kind are nobody's business here (the page's "Server Behavior for Custom Headers"). */
function demandParams(request: Request, message: JsonRpcRequest, tools: AnnotatedTools | undefined): void {
  const name = message.method === Method.callTool ? mirroredName(message) : undefined;
  if (name === undefined) return;
  for (const { header, path } of tools?.annotationsOf(name) ?? []) {
    demandMirrored(request, message, {
      header: `${PARAM_HEADER}${header}`,
      where: `params.arguments.${echoed(path.join("."))}`,
      value: valueAt(message.params?.arguments, path),
    });
  }
}

function demandMirrored(request: Request, message: JsonRpcRequest, mirrored: MirroredValue): void {
  const mirror = mirrorIn(request, mirrored);
  const { said, value } = mirror;
  if (said === null) {
    if (isMirrored(value)) throw missing(message, mirror);
    return;
  }
  const decoded = decodeMirrored(said);
  if (decoded === undefined) throw invalid(message, mirror, said);
  if (!canBeSaid(value) || !isMirrorOf(decoded, value)) throw different(message, mirror, said);
}

/** An integer that a double would round need not be mirrored; whoever does it has to say the same all the same. */
function canBeSaid(value: unknown): value is Mirrored {
  return isMirrored(value) || typeof value === "bigint" || typeof value === "number";
}

function missing(message: MirroredMessage, { header, where, value }: MirroredValue): RequestError {
  return mismatch(message, `${header} header is missing, and ${where} of the body is ${quoted(value)}`);
}

function invalid(message: JsonRpcRequest, { header }: MirroredValue, said: string): RequestError {
  return mismatch(message, `${header} header value ${quoted(said)} is not valid`);
}

function different(
  message: MirroredMessage,
  { header, where, value }: MirroredValue,
  said: string,
): RequestError {
  const body = value === undefined || value === null
    ? `the body has no ${where}`
    : `${where} of the body is ${quoted(value)}`;
  return mismatch(message, `${header} header value is ${quoted(said)}, and ${body}`);
}

function mismatch(message: MirroredMessage, what: string): RequestError {
  return refusalOf(message, { code: RpcCode.headerMismatch, message: `Header mismatch: ${what}` });
}

function unknownMethod(message: JsonRpcRequest): RequestError {
  const text = `Method not found: ${quoted(message.method)} (not in ${MODERN_REVISIONS.join(", ")})`;
  return new RequestError(text, { status: 404, code: RpcCode.methodNotFound, requestId: message.id });
}

function refusalOf(said: MirroredMessage, { code, message, data }: JsonRpcErrorObject): RequestError {
  const requestId = "id" in said ? said.id : null;
  return new RequestError(message, { code, data, requestId });
}
