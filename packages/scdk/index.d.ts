import scDK from "./scdk.js";

/**
 * Loads the browser SDK from your gateway. One load per host and page; after a failure the next call tries again.
 * @param host the gateway's address, such as https://gateway.example
 */
export function loadScdk(host: string): Promise<typeof scDK>;
export type * from "./scdk.js";
