/** What the log tells. */
import { option, section, type SettingsOf } from "../options/section.ts";
import { choice, duration, nonEmpty, size, wholeNumber } from "../options/values.ts";

/** Of the one log. */
export const logOptions = section({
  logLevel: option(choice(["debug", "info", "warn", "error", "none"]), {
    value: "<level>",
    description: "debug, info, warn, error or none; only debug shows messages",
    default: "info",
    common: true,
  }),
  logFormat: option(choice(["text", "json"]), {
    value: "<format>",
    description: "text or json",
    default: "text",
  }),
  slowRequest: option(duration({ min: 0 }), {
    value: "<time>",
    description: "tells of a call that takes so long, while it is open and once it is over; 0 never does",
    default: "10s",
  }),
  logFile: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "writes the log there and not to stderr; only its owner may read it",
  }),
  logMaxSize: option(size(), {
    value: "<size>",
    description: "a log file of this size is put aside and a new one begun",
    default: "10m",
  }),
  logKeep: option(wholeNumber({ min: 0, max: 1000 }), {
    value: "<count>",
    description: "how many such files are kept",
    default: 5,
  }),
}, ({ logLevel, logFormat, slowRequest, logFile, logMaxSize, logKeep }) => ({
  logLevel,
  logFormat,
  logFile,
  /** Of one file. */
  logMaxBytes: logMaxSize,
  /** Full ones. */
  logKeep,
  /** From then on a call is told of. */
  slowRequestMs: slowRequest === 0 ? undefined : slowRequest,
}));
export type LogSettings = SettingsOf<typeof logOptions>;
