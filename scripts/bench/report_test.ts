import assert from "node:assert/strict";
import { runDeno } from "../run_deno.ts";
import { benchmarksPage, writeDocs } from "./docs.ts";
import { judge } from "./marks.ts";
import { UsageError } from "./options.ts";
import { plotRates } from "./plot.ts";
import { formatReport, formatRow, formatSpread, readReport, type Report } from "./report.ts";
import { Results, type Row } from "./results.ts";

const ROWS: Row[] = [
  {
    name: "stateful/16",
    contestant: "floor",
    rounds: [{ rate: 2000, p50: 0.5, p99: 1 }, { rate: 1000, p50: 1, p99: 2 }],
  },
  {
    name: "stateful/16",
    contestant: "keystone",
    rounds: [{ rate: 1800, p50: 0.6 }, { rate: 900, p50: 1.2 }],
  },
  { name: "ws/16", contestant: "other", rounds: [null], reason: "no <WebSocket> | at all" },
];

const REPORT: Report = {
  machine: {
    date: "2026-01-01T00:00:00.000Z",
    commit: "abc",
    system: "linux",
    processor: "a processor",
    cores: 2,
    memoryMb: 1000,
    versions: { deno: "2.9.6" },
  },
  setup: {
    rounds: 2,
    seconds: 1,
    quick: true,
    load: "built-in",
    child: "c",
    pinning: "nothing is pinned: switched off",
    packages: ["other@1.0.0"],
    commands: {},
  },
  rows: ROWS,
  marks: judge(new Results(ROWS)),
};

Deno.test("formatSpread leaves out the range of a single round", () => {
  assert.equal(formatSpread({ median: 1234.5, min: 1000, max: 2000 }, 0), "1,235 (1,000–2,000)");
  assert.equal(formatSpread({ median: 0.25, min: 0.25, max: 0.25 }, 3), "0.250");
});

Deno.test("formatRow names a reason, and a wrong answer loudly", () => {
  const row = { name: "x/1", contestant: "a", rounds: [{ rate: 10 }, null], reason: "went away" };
  assert.equal(formatRow(row), "10 per second · – went away");
  assert.equal(formatRow({ ...row, rounds: [null], wrong: "not mine" }), "WRONG: not mine");
});

Deno.test("formatReport has every row and every mark", () => {
  const text = formatReport(REPORT);
  assert.match(text, /^ {2}keystone {2}1,350 \(900–1,800\) per second/m);
  assert.match(text, /^ {2}other {5}– no <WebSocket> \| at all$/m);
  assert.match(
    text,
    /^reached {7}Stateful tools\/call, 16 callers, requests\/s \/ floor: 0\.90 \(mark: ≥ 0\.75\)$/m,
  );
  assert.match(text, /^not measured {2}Idle RSS \/ supergateway: \(mark: ≤ 0\.8\)$/m);
});

Deno.test("benchmarksPage makes a table of each group, with its own columns", () => {
  const page = benchmarksPage(REPORT);
  assert.ok(page.includes("| Row | Gateway | per second | p50 ms | p99 ms |"));
  assert.ok(page.includes("| ws/16 | other | no \\<WebSocket\\> \\| at all |"), page);
  assert.ok(page.includes("other@1.0.0"));
});

Deno.test("plotRates draws an SVG of what was measured", () => {
  const svg = plotRates(REPORT);
  assert.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
  assert.ok(svg.includes("keystone") && svg.includes("stateful/16"));
});

Deno.test("writeDocs writes a page and a plot that the formatter leaves as they are", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeDocs(REPORT, folder);
    const { code, stderr } = await runDeno([
      "fmt",
      "--check",
      `${folder}/benchmarks.md`,
      `${folder}/benchmarks.svg`,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(await Deno.readTextFile(`${folder}/benchmarks.svg`), /^<svg /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readReport names the file that it cannot read, and why", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    for (const [content, why] of [["{", /JSON/], ["{}", /no report/]] as const) {
      await Deno.writeTextFile(file, content);
      await assert.rejects(readReport(file), (error) => {
        assert(error instanceof UsageError);
        assert(error.message.includes(file));
        assert.match(error.message, why);
        return true;
      });
    }
  } finally {
    await Deno.remove(file);
  }
  await assert.rejects(readReport(file), UsageError);
});
