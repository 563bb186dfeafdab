/**
 * What every driver's native WebSockets must do.
 *
 * @module
 */

import type { Row } from "./driver_contract.ts";

export const webSocketRows: readonly Row[] = [];
