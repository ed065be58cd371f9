/** Where the certificate of HTTPS comes from, and who is led to it. */
import { option, section, type SettingsOf } from "../options/section.ts";
import { nonEmpty, onOff, wholeNumber } from "../options/values.ts";

export const tlsOptions = section({
  tlsCert: option(nonEmpty("expected a PEM file"), {
    value: "<file>",
    description: "certificate chain (PEM): serves HTTPS and wss; needs {tlsKey}; read anew when it changes",
  }),
  tlsKey: option(nonEmpty("expected a PEM file"), {
    value: "<file>",
    description: "private key (PEM) of {tlsCert}",
  }),
  tlsSelfSigned: option(onOff(), {
    description:
      "serve HTTPS and wss with a certificate that is made here and kept in the folder of {stateDir}",
    bare: "true",
    default: false,
  }),
  httpRedirectPort: option(wholeNumber({ min: 0, max: 65535 }), {
    value: "<port>",
    description: "another port, where plain HTTP is answered with where HTTPS is; 0 takes a free one",
  }),
}, (values) => ({
  /** Paths of PEM files: both or neither. */
  tlsCert: values.tlsCert,
  tlsKey: values.tlsKey,
  tlsSelfSigned: values.tlsSelfSigned,
  /** Without one nobody listens for plain HTTP. */
  httpRedirectPort: values.httpRedirectPort,
}));
export type TlsSettings = SettingsOf<typeof tlsOptions>;
