import assert from "node:assert/strict";
import process from "node:process";
import { redactText } from "../core/redact.ts";
import { withoutFolders } from "../core/telling.ts";

/** A quadratic search of a megabyte takes minutes. */
Deno.test("redactText takes linear time, whatever the text is made of", () => {
  const pieces = [
    ...[
      "eyJ",
      "eyJ.",
      "eyJ-",
      "Bearer ",
      "Basic\t",
      "a-",
      '"password":',
      "password=",
      "password:\\",
      '"password":"\\',
    ],
    ...[
      "--token ",
      "--token",
      "://",
      "://a:",
      "://a:b",
      "a:",
      "a:b@",
      "sk-",
      "key ",
      "key is ",
      "token\\\\",
      "[",
      "{",
    ],
    ...[
      '"token":[',
      '"token":{',
      "token",
      "tokens: ",
      "-----BEGIN PRIVATE KEY-----",
      "-----END ",
      "-----BEGIN ",
    ],
    ...[
      "\\",
      '\\"',
      "a",
      "A",
      "aB",
      "AbC",
      "_",
      "$",
      "/",
      "/a",
      "connection ",
      "gho_",
      "x".repeat(199) + "=",
      "key=",
    ],
    ...[
      "cookie:",
      "cookie: a ",
      "Authorization: ",
      " ",
      "\n",
      "\u202e",
      "token=\\'",
      "'",
      "hooks.slack.com/services/",
    ],
  ];
  const before = process.cpuUsage();
  for (const piece of pieces.slice(0, 8)) redactText(piece.repeat(1024 * 1024 / piece.length));
  for (const piece of pieces) {
    const text = piece.repeat(128 * 1024 / piece.length);
    redactText(text);
    withoutFolders(text);
  }
  const { user } = process.cpuUsage(before);
  assert(user / 1e6 < pieces.length, `${user / 1e6} s of processor time`);
});
