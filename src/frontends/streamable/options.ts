/** Streamable HTTP: sessions, and how their requests are answered. */
import { option, section } from "../../options/section.ts";
import { choice, duration, onOff } from "../../options/values.ts";

/** Of the one endpoint. */
export const streamableOptions = section({
  stateful: option(onOff(), {
    description:
      "a session for each client, with a server process of its own unless {children} says otherwise",
    bare: "true",
    default: false,
    common: true,
  }),
  sessionTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "ends a session that has been idle for so long",
    default: "30m",
  }),
  replyMode: option(choice(["auto", "json", "sse"]), {
    value: "<mode>",
    description: "answers as json, sse or auto",
    default: "auto",
  }),
}, ({ stateful, sessionTimeout, replyMode }) => ({
  stateful,
  sessionTimeoutMs: sessionTimeout,
  replyMode,
}));
