/** What the log tells. */
import { option, section, type SettingsOf } from "../options/section.ts";
import { choice, duration } from "../options/values.ts";

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
}, ({ logLevel, logFormat, slowRequest }) => ({
  logLevel,
  logFormat,
  /** From then on a call is told of. */
  slowRequestMs: slowRequest === 0 ? undefined : slowRequest,
}));
export type LogSettings = SettingsOf<typeof logOptions>;
