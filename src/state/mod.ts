/** What running gateways leave for those who look after them. */
export type { GatewayRecord } from "./gateway_record.ts";
export { isSameProcess, startOf } from "./process_identity.ts";
export { checkName, type Holder, StateFolder } from "./state_folder.ts";
