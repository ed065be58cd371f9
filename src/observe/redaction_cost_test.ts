import assert from "node:assert/strict";
import process from "node:process";
import { redactText } from "../base/redact.ts";
import { withoutFolders } from "../base/telling.ts";

/** A quadratic search of a megabyte takes minutes. */
Deno.test("redactText takes linear time, whatever the text is made of", () => {
  const long = ["eyJ", '"password":', "password=", "--token ", "://a:b", "a:b@", "key is ", "-----BEGIN "];
  const others = String
    .raw`eyJ. eyJ- Bearer. Basic: a- password:\ "password":"\ --token :// ://a: a: sk- token\\ [ {
    "token":[ "token":{ token tokens: -----BEGIN_PRIVATE_KEY----- -----END \ \" a A aB AbC _ $ / /a // \\ C:\ ~/ gho_
    key= cookie: Authorization: token=\' ' hooks.slack.com/services/ a://`.split(/\s+/);
  const spaced = [
    "Bearer ",
    "Basic\t",
    "key ",
    "connection ",
    "cookie: a ",
    "-----BEGIN PRIVATE KEY-----",
    " ",
    "\n",
  ];
  const pieces = [...long, ...others, ...spaced, `${"x".repeat(199)}=`, "\u202e"];
  const before = process.cpuUsage();
  for (const piece of long) redactText(piece.repeat(1024 * 1024 / piece.length));
  for (const piece of pieces) {
    const text = piece.repeat(128 * 1024 / piece.length);
    redactText(text);
    withoutFolders(text);
  }
  const { user } = process.cpuUsage(before);
  assert(user / 1e6 < pieces.length, `${user / 1e6} s of processor time`);
});
