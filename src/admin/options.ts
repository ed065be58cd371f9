/** The endpoint by which a running gateway is looked after. */
import { option, section } from "../options/section.ts";
import { wholeNumber } from "../options/values.ts";

/** Of the one admin endpoint. */
export const adminOptions = section({
  runtimeAdminPort: option(wholeNumber({ min: 0, max: 65535 }), {
    value: "<port>",
    description:
      "serves the admin endpoint on this port of 127.0.0.1, for who has its token; 0 takes a free one",
  }),
}, ({ runtimeAdminPort }) => ({
  /** Without one there is no endpoint. */
  adminPort: runtimeAdminPort,
}));
