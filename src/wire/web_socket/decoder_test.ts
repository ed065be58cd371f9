import assert from "node:assert/strict";
import { closing, concat, frame, type FrameParts, MASK } from "../../../tests/support/frames.ts";
import { FrameDecoder } from "./decoder.ts";
import { FrameError, type Side } from "./frames.ts";

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10] as const;

/** What a decoder told, in order, and what ended it. */
class Told {
  readonly events: unknown[] = [];
  readonly decoder: FrameDecoder;

  constructor({ side = "server", maxBytes = 1000 }: { side?: Side; maxBytes?: number } = {}) {
    this.decoder = new FrameDecoder({
      text: (text) => void this.events.push(text),
      ping: (payload) => void this.events.push(["ping", new TextDecoder().decode(payload)]),
      pong: () => void this.events.push(["pong"]),
      closed: (code) => void this.events.push(["closed", code]),
    }, { side, maxBytes });
  }

  /** In pieces of this many bytes; a copy, since a decoder works in place. */
  decode(bytes: Uint8Array, pieceBytes: number = bytes.length): this {
    try {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        this.decoder.decode(bytes.slice(at, at + pieceBytes));
      }
    } catch (error) {
      assert(error instanceof FrameError);
      this.events.push(error.code);
    }
    return this;
  }
}

function fromClient(...frames: FrameParts[]): Uint8Array {
  return concat(...frames.map((parts) => frame({ mask: MASK, ...parts })));
}

/** As whole chunks, byte by byte, and cut at places that fall everywhere in time. */
function toldOf(frames: readonly FrameParts[], options: { maxBytes?: number } = {}): unknown[] {
  const bytes = fromClient(...frames);
  const whole = new Told(options).decode(bytes).events;
  for (const pieceBytes of [1, 2, 3, 5, 7, 13, 64]) {
    assert.deepEqual(new Told(options).decode(bytes, pieceBytes).events, whole, `pieces of ${pieceBytes}`);
  }
  return whole;
}

/** Frames, and what becomes of them. */
type Case = readonly [readonly FrameParts[], readonly unknown[]];

/** The sections of the Autobahn test suite, which is what implementations are measured by. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  "1.1 texts of each length": [0, 1, 125, 126, 127, 128, 500, 1000].map((length) => {
    const payload = "*".repeat(length);
    return [[{ opcode: TEXT, payload }], [payload]] as const;
  }),
  "1.2 binary": [
    [[{ opcode: BINARY, payload: "*" }], [1003]],
    [[{ opcode: BINARY, payload: "*", length: 1 << 20 }], [1003]],
  ],
  "2 pings and pongs": [
    [[{ opcode: PING }], [["ping", ""]]],
    [[{ opcode: PING, payload: "x".repeat(125) }], [["ping", "x".repeat(125)]]],
    [[{ opcode: PING, payload: "x".repeat(126) }], [1002]],
    [[{ opcode: PONG }], [["pong"]]],
    [[{ opcode: PONG, payload: "unasked" }, { opcode: PING, payload: "a" }], [["pong"], ["ping", "a"]]],
    [
      Array.from({ length: 10 }, (_, n) => ({ opcode: PING, payload: `${n}` })),
      Array.from({ length: 10 }, (_, n) => ["ping", `${n}`]),
    ],
  ],
  "3 reserved bits": [1, 2, 3, 4, 5, 6, 7].flatMap((reserved) =>
    [TEXT, CONTINUATION, PING, PONG, CLOSE].map((opcode) =>
      [[{ opcode: TEXT, payload: "before" }, { opcode, payload: "a", reserved }], ["before", 1002]] as const
    )
  ),
  "4 reserved opcodes": [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    [[{ opcode: TEXT, payload: "a" }, { opcode }, { opcode: PING }], ["a", 1002]] as const
  ),
  "5 fragments": [
    [[{ opcode: PING, final: false }, { opcode: CONTINUATION }], [1002]],
    [[{ opcode: PONG, final: false }], [1002]],
    [[{ opcode: CLOSE, final: false }], [1002]],
    [[{ opcode: TEXT, payload: "a", final: false }, { opcode: CONTINUATION, payload: "b" }], ["ab"]],
    [
      [
        { opcode: TEXT, payload: "a", final: false },
        { opcode: PING, payload: "p" },
        { opcode: CONTINUATION, payload: "b", final: false },
        { opcode: PONG },
        { opcode: CONTINUATION, payload: "c" },
        { opcode: TEXT, payload: "d" },
      ],
      [["ping", "p"], ["pong"], "abc", "d"],
    ],
    [[{ opcode: CONTINUATION, payload: "a" }], [1002]],
    [[{ opcode: CONTINUATION, payload: "a", final: false }], [1002]],
    [[{ opcode: TEXT, payload: "a" }, { opcode: CONTINUATION }], ["a", 1002]],
    [[{ opcode: TEXT, payload: "a", final: false }, { opcode: TEXT, payload: "b" }], [1002]],
    [[{ opcode: TEXT, final: false }, { opcode: TEXT, payload: "b" }], [1002]],
    [[{ opcode: TEXT, payload: "a", final: false }, { opcode: BINARY, payload: "b" }], [1002]],
    [
      [{ opcode: TEXT, final: false }, { opcode: CONTINUATION, final: false }, { opcode: CONTINUATION }],
      [""],
    ],
    [
      [{ opcode: TEXT, final: false }, { opcode: CONTINUATION, payload: "late" }, { opcode: TEXT }],
      ["late", ""],
    ],
  ],
  "6 UTF-8": [
    [[{ opcode: TEXT, payload: "Hello-µ@ßöäüàá-UTF-8!! 😀\u0000\u2028" }], [
      "Hello-µ@ßöäüàá-UTF-8!! 😀\u0000\u2028",
    ]],
    [[{ opcode: TEXT, payload: "\ufeffa\ufeff" }], ["\ufeffa\ufeff"]],
    // A character that replaces others may itself be sent.
    [[{ opcode: TEXT, payload: "\ufffd" }], ["\ufffd"]],
    [byteByByte("κόσμε 😀"), ["κόσμε 😀"]],
    ...[
      "cebae1bdb9cf83cebcceb5eda080656469746564", // A surrogate.
      "cebae1bdb9cf83cebcceb5f4908080656469746564", // Above U+10FFFF.
      "c080",
      "f8888080af",
      "80",
      "fe",
      "ff",
      "f09f98", // Cut off.
      "e282",
    ].map((hex) => [[{ opcode: TEXT, payload: Uint8Array.fromHex(hex) }], [1007]] as const),
    [[
      { opcode: TEXT, payload: Uint8Array.fromHex("f09f"), final: false },
      { opcode: CONTINUATION, payload: Uint8Array.fromHex("98") },
    ], [1007]],
    [[
      { opcode: TEXT, payload: Uint8Array.fromHex("f09f"), final: false },
      { opcode: CONTINUATION, payload: Uint8Array.fromHex("9880") },
    ], ["😀"]],
  ],
  "7 closing": [
    [[{ opcode: CLOSE }, { opcode: TEXT, payload: "after" }], [["closed", 1005]]],
    [[{ opcode: TEXT, payload: "a", final: false }, { opcode: CLOSE }], [["closed", 1005]]],
    [[{ opcode: CLOSE, payload: "a" }], [1002]],
    [[{ opcode: CLOSE, payload: closing(1000, "x".repeat(123)) }], [["closed", 1000]]],
    [[{ opcode: CLOSE, payload: closing(1000, "x".repeat(124)) }], [1002]],
    [[{ opcode: CLOSE, payload: closing(1000, Uint8Array.fromHex("cebae1bdb9cf83cebcceb5eda080")) }], [1007]],
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) =>
      [[{ opcode: CLOSE, payload: closing(code) }], [["closed", code]]] as const
    ),
    ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535].map((code) =>
      [[{ opcode: CLOSE, payload: closing(code) }], [1002]] as const
    ),
  ],
  "10 many fragments of a long text": [
    [
      [
        ...Array.from({ length: 50 }, (_, n) => ({
          opcode: n === 0 ? TEXT : CONTINUATION,
          payload: "x".repeat(20),
          final: false,
        })),
        { opcode: CONTINUATION },
      ],
      ["x".repeat(1000)],
    ],
  ],
};

function byteByByte(text: string): FrameParts[] {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte, at) => ({
    opcode: at === 0 ? TEXT : CONTINUATION,
    payload: Uint8Array.of(byte),
    final: at === bytes.length - 1,
  }));
}

for (const [section, cases] of Object.entries(CASES)) {
  Deno.test(`FrameDecoder takes what is right and refuses what is wrong: ${section}`, () => {
    for (const [frames, expected] of cases) {
      assert.deepEqual(toldOf(frames), expected, JSON.stringify(frames));
    }
  });
}

Deno.test("FrameDecoder wants a client's frames masked, and a server's not", () => {
  const masked = frame({ opcode: TEXT, payload: "a", mask: MASK });
  const plain = frame({ opcode: TEXT, payload: "a" });
  assert.deepEqual(new Told({ side: "server" }).decode(masked).events, ["a"]);
  assert.deepEqual(new Told({ side: "server" }).decode(plain).events, [1002]);
  assert.deepEqual(new Told({ side: "client" }).decode(plain).events, ["a"]);
  assert.deepEqual(new Told({ side: "client" }).decode(masked).events, [1002]);
});

Deno.test("FrameDecoder takes a mask off texts of each length, wherever in memory they begin", () => {
  for (let length = 0; length < 200; length++) {
    const text = Array.from({ length }, (_, n) => String.fromCharCode(32 + (n * 7) % 90)).join("");
    const bytes = frame({ opcode: TEXT, payload: text, mask: MASK });
    for (let offset = 0; offset < 8; offset++) {
      const told = new Told();
      told.decoder.decode(concat(new Uint8Array(offset), bytes).subarray(offset));
      assert.deepEqual(told.events, [text]);
    }
  }
});

Deno.test("FrameDecoder takes lengths in each form, and judges one by its head alone", () => {
  for (const lengthBytes of [0, 2, 8]) {
    assert.deepEqual(toldOf([{ opcode: TEXT, payload: "abc", lengthBytes }]), ["abc"]);
  }
  const heads: readonly [FrameParts, number][] = [
    [{ opcode: TEXT, length: 1001 }, 1009],
    [{ opcode: TEXT, length: 63 * 2 ** 20 }, 1009],
    [{ opcode: TEXT, length: 2n ** 62n }, 1009],
    [{ opcode: TEXT, length: 2n ** 63n }, 1002],
    [{ opcode: TEXT, length: 2n ** 64n - 1n }, 1002],
    [{ opcode: PING, length: 2n ** 62n }, 1002],
  ];
  for (const [head, code] of heads) assert.deepEqual(toldOf([head]), [code]);
});

Deno.test("FrameDecoder sums the fragments of a message, and begins anew with the next one", () => {
  const half = { payload: "x".repeat(500), final: false };
  const message = [{ opcode: TEXT, ...half }, { opcode: CONTINUATION, ...half }, { opcode: CONTINUATION }];
  const text = "x".repeat(1000);
  assert.deepEqual(toldOf([...message, ...message]), [text, text]);
  const more = { opcode: CONTINUATION, length: 1 };
  assert.deepEqual(toldOf([{ opcode: TEXT, ...half }, { opcode: CONTINUATION, ...half }, more]), [1009]);
});

Deno.test("FrameDecoder holds nothing for each of a million fragments", () => {
  const told = new Told();
  const empty = fromClient(...Array.from({ length: 10_000 }, () => ({ opcode: CONTINUATION, final: false })));
  told.decoder.decode(fromClient({ opcode: TEXT, payload: "a", final: false }));
  for (let times = 0; times < 100; times++) told.decoder.decode(empty);
  told.decoder.decode(fromClient({ opcode: CONTINUATION, payload: "b" }));
  assert.deepEqual(told.events, ["ab"]);
});

Deno.test("FrameDecoder knows how much of a payload is missing", () => {
  const { decoder } = new Told();
  const bytes = fromClient({ opcode: TEXT, payload: "x".repeat(900) });
  assert.equal(decoder.missing, 0);
  decoder.decode(bytes.slice(0, 108));
  assert.equal(decoder.missing, 800);
  decoder.decode(bytes.slice(108));
  assert.equal(decoder.missing, 0);
});
