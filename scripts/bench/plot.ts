/** The plot of the docs: requests a second of each gateway, by how many call at a time. */
import * as echarts from "echarts";
import { type Report, spreadOf } from "./report.ts";

const ROWS = ["stateful/1", "stateful/16", "stateful/64", "stateless/16", "sse/16", "ws/16", "tls/16"];
const SIZE = { width: 900, height: 420 };
/** Apart from each other also for those who see red and green alike. */
const COLORS = ["#999999", "#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#009e73"];

/** Draws an SVG. */
export function plotRates({ rows }: Pick<Report, "rows">): string {
  const shown = ROWS.filter((name) => rows.some((row) => row.name === name));
  const contestants = [
    ...new Set(rows.filter(({ name }) => shown.includes(name)).map((row) => row.contestant)),
  ];
  const rate = (name: string, contestant: string) => {
    const row = rows.find((row) => row.name === name && row.contestant === contestant);
    return row && spreadOf(row, "rate")?.median;
  };
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  chart.setOption({
    animation: false,
    color: COLORS,
    backgroundColor: "#ffffff",
    title: { text: "tools/call, requests a second (logarithmic)", left: "center", top: 8 },
    legend: { bottom: 8 },
    grid: { left: 70, right: 20, top: 50, bottom: 70 },
    xAxis: { type: "category", data: shown },
    yAxis: { type: "log", min: 1 },
    series: contestants.map((name) => ({
      name,
      type: "bar",
      data: shown.map((row) => rate(row, name) ?? "-"),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
