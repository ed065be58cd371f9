/** The prompt at which a running gateway is changed. */
import { option, section } from "../options/section.ts";
import { onOff } from "../options/values.ts";

export const promptOptions = section({
  runtimePrompt: option(onOff(), {
    description: "asks on this terminal what to change while it runs; help tells what there is",
    bare: "true",
    default: false,
  }),
});
