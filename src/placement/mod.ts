/** Which server answers whom (option `children`), and what keeps those servers alive and few. */
export { Placement, type PlacementOptions } from "./placement.ts";
export type { PlacementConfig } from "./config.ts";
